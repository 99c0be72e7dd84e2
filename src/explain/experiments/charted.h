// The chart of a token as `cajal explain` makes it, with all that it was made from, for experiments
// that look into many charts.
#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "explain/build_chart.h"
#include "explain/claims.h"
#include "explain/experiments/experiment.h"
#include "trace/trace.h"

namespace cajal {

struct ChartedToken {
  std::vector<TokenId> ids;  // what the model had read
  std::unique_ptr<LocalReplacement> replacement;
  TraceTarget target;
  AttributionGraph graph;
  std::unique_ptr<GraphFlow> flow;
  ChartParts parts;  // without claims and heads
};

/// Why `token` follows `ids`. Without an atlas. Throws Cancelled, and what tracing throws.
ChartedToken chart_token(const Subject& subject, std::vector<TokenId> ids, TokenId token,
                         const std::stop_token& cancel = {});

/// Why `token` and not `other` follows `ids`, with all members of each idea in its box, so that it
/// can be compared with another chart (explain/versus/). Throws the same.
ChartedToken chart_difference(const Subject& subject, std::vector<TokenId> ids, TokenId token,
                              TokenId other, const std::stop_token& cancel = {});

/// Where the chart's claims can be tried.
ClaimGround ground_of(const Subject& subject, const ChartedToken& charted);

/// Tries the claims of the chart, as explain does.
void try_claims(const Subject& subject, ChartedToken& charted, std::size_t controls,
                std::uint64_t seed, const std::stop_token& cancel = {});

/// A token as it stands in a text: with its blank, and its piece where it spells nothing.
std::string token_text(const Subject& subject, TokenId id);

}  // namespace cajal
