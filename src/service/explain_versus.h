// What differs between two prompts: both are explained for the same thing, and what is in the one
// only is tried in the other (explain/versus/build_versus.h).
#pragma once

#include <array>
#include <stop_token>
#include <vector>

#include "explain/chart/versus_chart.h"
#include "service/explain.h"

namespace cajal {

struct VersusOutcome {
  ExplainOutcome common;  // its ids are the first prompt's
  VersusChart chart;
  std::array<Explanation, kVersusPrompts>
      prompts;  // each with its chart, of which nothing is tried
  std::vector<ExplainPhase> phases;
};

/// Explains why the prompt is answered as it is and request.versus otherwise: the first prompt for
/// what its answer has more than the other's, and the other way round; both for the answer itself
/// where they have the same one. With request.target the first prompt's answer, and with
/// request.why_not the second's, is that token. Throws what explain_prompt() throws, and
/// InvalidArgument for a second prompt that is the first.
VersusOutcome explain_versus(Session& session, const ExplainRequest& request,
                             std::stop_token cancel = {});

}  // namespace cajal
