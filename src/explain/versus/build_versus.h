// The chart of what differs between two prompts, from the charts of both, and what comes of making
// ideas of one prompt as they are in the other.
//
// Ideas of the two charts are matched (match_ideas.h). What stands in a line of the chart is a set
// of places: features at roles that both prompts share (alignment.h), those of the idea in either
// prompt. Its shares and effects are those of these features in each graph, whether or not they
// were grouped alike there. An idea that only one chart has is in both prompts all the same if at
// least half of it, by share, fires in the other, too.
//
// Claims: in one prompt each feature of a line is set to what it is in the other prompt at the same
// role (off where it does not fire there or there is no such role), and words become the other's
// words; nothing is frozen. The first token of a prompt has no features (those of the begin token,
// where there is one): where it stands for a later token of the other prompt nothing is known of
// what fires there, so features there are not exchanged, nor asked whether they fire.
//   Predicted: the change of the prompt's value. Of features that its own graph follows, by that:
//   each by its relative change times what the value would lose with it (GraphFlow's
//   member_effects, which counts each way once, by the last of the set that it passes). Of what it
//   does not have, by the other's graph: what they give there.
//   Measured: the change, by one pass of the model (intervene/batch.h).
//   Controls: random groups changed by as much in the same places (explain/controls.h).
// Judged as claims are (explain/claims.h). Where less than a hundredth of the values is predicted
// there is no claim: the chart then says that the idea makes no difference.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "explain/build_chart.h"
#include "explain/chart/versus_chart.h"
#include "explain/claims.h"
#include "explain/versus/alignment.h"
#include "intervene/intervention.h"

namespace cajal {

/// One of two prompts, explained: its ground, and its chart with all members of its ideas (claims
/// and heads are not needed). `ground.value` is what the chart's VersusPrompt::value is.
struct VersusSide {
  const ClaimGround& ground;
  const ChartParts& parts;
};
using VersusSides = std::array<VersusSide, kVersusPrompts>;

struct VersusOptions {
  bool opposed = true;       // the prompts are explained for opposite things
  std::size_t members = 12;  // of an idea, listed
};

/// A feature at a role.
struct VersusPlace {
  std::uint32_t layer = 0;
  std::uint32_t role = 0;
  std::uint32_t feature = 0;
  friend auto operator<=>(const VersusPlace&, const VersusPlace&) = default;
};

/// What a line of the chart stands for.
struct VersusNodes {
  std::vector<VersusPlace> features;  // ascending
  std::vector<std::uint32_t> words;   // roles, ascending
};

struct VersusParts {
  VersusChart chart;
  std::vector<SharedRole> roles;
  std::vector<VersusNodes> words;  // as the chart's
  std::vector<VersusNodes> ideas;
  std::vector<std::uint32_t> left_out;  // roles where ideas have features that cannot be exchanged
};

/// All but claims, title, notes and footer.
VersusParts build_versus(const VersusSides& sides, const VersusOptions& options = {});

/// Tries the lines of the chart in both prompts, and all ideas at once: fills the claims and counts
/// those of single lines. The same seed gives the same numbers. Throws what test_claims() throws.
void try_exchanges(const VersusSides& sides, const ClaimOptions& options, VersusParts& parts);

/// A line exchanged in a prompt: what becomes what, and what that is predicted to do.
struct PredictedExchange {
  std::vector<FeatureEdit> features;  // by layer, position and feature; Set
  double change = 0.0;                // of the prompt's value
};

/// [ideas] each made in `prompt` as it is in the other one, as claims about it predict.
std::vector<PredictedExchange> predicted_exchanges(const VersusSides& sides,
                                                   const VersusParts& parts, std::size_t prompt);

}  // namespace cajal
