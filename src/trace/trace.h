// From targets to a graph: which features get a row, and in what order.
//
// Rows are computed for the targets, then for the features that matter most by the rows there are
// (circuit-tracer's order), until enough have one.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <stop_token>

#include "trace/attribution_graph.h"
#include "trace/rows.h"

namespace cajal {

struct TraceTarget {
  RowTarget row;
  GraphTarget node;
};

/// The likeliest next tokens: the fewest, at most `most`, that together have `probability`.
/// `position` must have its logits.
std::vector<TraceTarget> salient_logits(LocalReplacement& replacement, std::size_t position,
                                        std::size_t most = 10, double probability = 0.95);
/// Given tokens, each with the probability it has. Throws InvalidArgument for none.
std::vector<TraceTarget> token_targets(LocalReplacement& replacement,
                                       std::span<const TokenId> tokens, std::size_t position);
/// The first less the second, worth 1: why this and not that?
TraceTarget why_not(const LocalReplacement& replacement, TokenId token, TokenId other,
                    std::size_t position);

/// A feature that fires, worth 1. Throws InvalidArgument for a layer or position out of range,
/// NotFound where the feature does not fire, naming what does.
TraceTarget feature_as_target(const LocalReplacement& replacement, std::size_t layer,
                              std::size_t position, std::size_t feature);

struct TraceOptions {
  std::size_t max_features = SIZE_MAX;  // that get a row
  std::size_t batch = 256;
  std::size_t update_interval = 4;  // batches from one ranking to the next
  /// Stop when less of the targets' weight than this ends at features without a row.
  std::optional<double> unexpanded = std::nullopt;
  /// Rows that take more bytes lie in a file without a name in the system's folder for temporary
  /// files (TMPDIR), mapped.
  std::size_t rows_in_memory = std::size_t{2} << 30U;
  std::stop_token cancel = {};
};

/// The most influential features first, one batch at a time, until less than 2 % of the influence
/// ends at features without a row: as many rows as the prompt needs.
TraceOptions rows_as_needed(std::stop_token cancel = {});

/// What a ranking saw, for progress and tests.
struct TraceStep {
  KnownRows rows;
  std::span<const double> influence;  // [nodes]; empty where all features are taken as they come
};

/// Throws InvalidArgument for no targets, Cancelled, and what compute_rows() throws.
AttributionGraph trace(Backend& backend, LocalReplacement& replacement,
                       std::span<const TraceTarget> targets, const TraceOptions& options = {},
                       const std::function<void(const TraceStep&)>& watch = nullptr);

}  // namespace cajal
