#include "trace/trace.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <numeric>

#include "base/error.h"
#include "base/scratch_file.h"
#include "model/sampling.h"
#include "trace/influence.h"

namespace cajal {
namespace {

constexpr double kUnexpanded = 0.02;  // of the influence, where rows are as many as needed

std::vector<double> probabilities(const LocalReplacement& replacement, std::size_t position) {
  const ConstMatRef logits = replacement.logits();
  check(position < replacement.tokens().size(), "there is no position {}: the prompt has {} tokens",
        position, replacement.tokens().size());
  return token_probabilities(logits.row_range(logits.rows == 1 ? 0 : position, 1));
}

std::vector<TraceTarget> with_probabilities(LocalReplacement& replacement,
                                            std::span<const TokenId> tokens, std::size_t position,
                                            std::span<const double> chances) {
  std::vector<TraceTarget> out;
  for (const TokenId token : tokens) {
    out.push_back({replacement.logit_target(token, position),
                   {.token = static_cast<std::uint32_t>(token),
                    .position = static_cast<std::uint32_t>(position),
                    .weight = chances[static_cast<std::size_t>(token)]}});
  }
  return out;
}

/// "; the strongest there are 12, 5 and 7".
std::string strongest_text(const LocalReplacement& replacement, std::size_t layer,
                           std::size_t position) {
  std::vector<ActiveFeature> there;
  for (const ActiveFeature& f : replacement.features()) {
    if (f.layer == layer && f.position == position) {
      there.push_back(f);
    }
  }
  std::stable_sort(there.begin(), there.end(), [](const ActiveFeature& a, const ActiveFeature& b) {
    return a.activation > b.activation;
  });
  if (there.empty()) {
    return "; none of that layer does";
  }
  std::string out = "; of the layer's there the strongest:";
  for (std::size_t i = 0; i < std::min<std::size_t>(there.size(), 5); ++i) {
    out += fmt::format("{} {}", i == 0 ? "" : ",", there[i].feature);
  }
  return out;
}

/// Rows that become more, in memory or, where they are too many for it, in a file.
class RowStore {
 public:
  RowStore(DType dtype, std::size_t cols, std::size_t most_in_memory)
      : most_in_memory_(most_in_memory) {
    rows_.cols = cols;
    rows_.stride = cols;
    rows_.dtype = dtype;
  }
  MatRef ref() const noexcept { return rows_; }

  /// Room for `count` rows, at most `most` ever. Keeps those that are there.
  void reserve(std::size_t count, std::size_t most) {
    if (count <= rows_.rows) {
      return;
    }
    const std::size_t wanted = std::min(most, std::max(count, 2 * rows_.rows));
    const std::size_t each = rows_.cols * size_of(rows_.dtype);
    if (wanted > most_in_memory_ / each) {
      move_to_file(wanted, each);
    } else {
      Matrix memory = Matrix::host(wanted, rows_.cols, rows_.dtype);
      copy_rows(memory.ref().data, each);
      memory_ = std::move(memory);
      rows_.data = memory_.ref().data;
    }
    rows_.rows = wanted;
  }

 private:
  void move_to_file(std::size_t count, std::size_t each) {
    check(count <= SIZE_MAX / each, "{} rows of {} bytes are too many", count, each);
    if (file_) {
      file_->grow(count * each);
    } else {
      file_.emplace(scratch_folder(), count * each);
      copy_rows(file_->bytes().data(), each);
      memory_ = {};
    }
    rows_.data = file_->bytes().data();
  }

  /// memcpy wants a place, and at first there is none.
  void copy_rows(std::byte* to, std::size_t each) const {
    if (rows_.rows != 0) {
      std::memcpy(to, rows_.data, rows_.rows * each);
    }
  }

  std::size_t most_in_memory_;  // bytes
  Matrix memory_;
  std::optional<ScratchFile> file_;
  MatRef rows_;
};

/// The rows of a trace as they come.
class Expansion {
 public:
  Expansion(Backend& backend, LocalReplacement& replacement, std::span<const TraceTarget> targets,
            const TraceOptions& options)
      : backend_(backend),
        replacement_(replacement),
        options_(options),
        counts_(replacement.counts(targets.size())),
        store_(backend.activation_dtype(), row_columns(replacement), options.rows_in_memory) {
    if (!options.unexpanded) {  // else how many there will be is not known
      store_.reserve(most_rows(), most_rows());
    }
    std::vector<RowTarget> rows;
    for (std::size_t i = 0; i < targets.size(); ++i) {
      rows.push_back(targets[i].row);
      weights_.push_back(targets[i].node.weight);
      nodes_.push_back(static_cast<std::uint32_t>(counts_.target(i)));
    }
    compute(rows);
  }

  void run(const std::function<void(const TraceStep&)>& watch) {
    const std::size_t most = std::min(options_.max_features, counts_.features);
    const bool ranked = most < counts_.features || options_.unexpanded;
    std::vector<std::uint32_t> all(counts_.features);
    std::iota(all.begin(), all.end(), 0U);
    std::vector<double> influence;
    while (order_.size() < most) {
      std::size_t room = most - order_.size();
      if (ranked) {
        room = std::min(room, options_.batch * options_.update_interval);
        influence = partial_influence(known(), weights_);
      }
      if (watch) {
        watch({known(), influence});
      }
      if (options_.unexpanded && unexpanded_share(known(), influence) < *options_.unexpanded) {
        return;
      }
      if (ranked) {
        std::stable_sort(all.begin(), all.end(),
                         [&](auto a, auto b) { return influence[a] > influence[b]; });
      }
      expand(next(all, room));
      if (ranked) {
        std::iota(all.begin(), all.end(), 0U);  // ties go to the lower feature
      }
    }
  }

  AttributionGraph graph(std::span<const TraceTarget> targets) const;

 private:
  std::size_t most_rows() const {
    return counts_.targets + std::min(options_.max_features, counts_.features);
  }
  KnownRows known() const { return {counts_, store_.ref().row_range(0, nodes_.size()), nodes_}; }

  /// The first `count` of `ranked` that have no row.
  std::vector<std::uint32_t> next(std::span<const std::uint32_t> ranked, std::size_t count) const {
    std::vector<bool> visited(counts_.features, false);
    for (const std::uint32_t f : order_) {
      visited[f] = true;
    }
    std::vector<std::uint32_t> out;
    for (std::size_t i = 0; i < ranked.size() && out.size() < count; ++i) {
      if (!visited[ranked[i]]) {
        out.push_back(ranked[i]);
      }
    }
    return out;
  }

  void expand(const std::vector<std::uint32_t>& features) {
    std::vector<RowTarget> rows;
    for (const std::uint32_t f : features) {
      rows.push_back(replacement_.feature_target(f));
      nodes_.push_back(f);
      order_.push_back(f);
    }
    compute(rows);
  }

  void compute(std::span<const RowTarget> rows) {
    const std::size_t begin = values_.size();
    store_.reserve(begin + rows.size(), most_rows());
    const MatRef into = store_.ref().row_range(begin, rows.size());
    compute_rows(backend_, replacement_, rows, into,
                 {.batch = options_.batch, .cancel = options_.cancel});
    for (std::size_t r = 0; r < rows.size(); ++r) {
      values_.push_back(rows[r].value);
      biases_.push_back(rows[r].bias);
      residual_ = std::max(residual_, row_residual(rows[r], into, r));
    }
  }

  template <typename T>
  void pack_row(std::size_t from, std::size_t to, std::span<const std::uint32_t> place,
                AttributionGraph& graph) const;

  Backend& backend_;
  LocalReplacement& replacement_;
  const TraceOptions& options_;
  NodeCounts counts_;  // of all that fires
  RowStore store_;     // [targets + expanded, row_columns]
  std::vector<double> weights_;
  std::vector<std::uint32_t> nodes_;  // of the rows
  std::vector<std::uint32_t> order_;  // features, as they were chosen
  std::vector<double> values_;
  std::vector<double> biases_;
  double residual_ = 0.0;
};

/// `place`: where an active feature stands in the graph; UINT32_MAX: not selected.
template <typename T>
void Expansion::pack_row(std::size_t from, std::size_t to, std::span<const std::uint32_t> place,
                         AttributionGraph& graph) const {
  const auto row = store_.ref().as<T>().row(from);
  const auto out = graph.rows.as<float>().row(to);
  const auto left = graph.unselected.as<float>().row(to);
  std::vector<double> sums(left.size(), 0.0);
  for (std::size_t f = 0; f < counts_.features; ++f) {
    if (place[f] != UINT32_MAX) {
      out[place[f]] = static_cast<float>(row[f]);
    } else {
      const ActiveFeature& a = replacement_.features()[f];
      sums[a.layer * counts_.positions + a.position] += static_cast<double>(row[f]);
    }
  }
  for (std::size_t c = counts_.features; c < row.size(); ++c) {
    out[graph.counts.features + c - counts_.features] = static_cast<float>(row[c]);
  }
  std::transform(sums.begin(), sums.end(), left.begin(),
                 [](double x) { return static_cast<float>(x); });
}

AttributionGraph Expansion::graph(std::span<const TraceTarget> targets) const {
  AttributionGraph out;
  out.order = order_;
  out.selected = order_;
  std::sort(out.selected.begin(), out.selected.end());
  out.counts = counts_;
  out.counts.features = out.selected.size();
  out.vocab = replacement_.model().config().vocab;
  out.tokens.assign(replacement_.tokens().begin(), replacement_.tokens().end());
  out.active.assign(replacement_.features().begin(), replacement_.features().end());
  for (const TraceTarget& target : targets) {
    out.targets.push_back(target.node);
  }
  const std::size_t rows = nodes_.size();
  out.rows = Matrix::host(rows, out.counts.sources() + kRowConstants, DType::F32);
  out.unselected = Matrix::host(rows, counts_.layers * counts_.positions, DType::F32);
  out.values.resize(rows);
  out.biases.resize(rows);
  std::vector<std::uint32_t> place(counts_.features, UINT32_MAX);
  for (std::size_t i = 0; i < out.selected.size(); ++i) {
    place[out.selected[i]] = static_cast<std::uint32_t>(i);
  }
  for (std::size_t r = 0; r < rows; ++r) {
    const std::size_t to = nodes_[r] < counts_.features
                               ? place[nodes_[r]]
                               : out.counts.features + nodes_[r] - counts_.sources();
    if (store_.ref().dtype == DType::F64) {
      pack_row<double>(r, to, place, out);
    } else {
      pack_row<float>(r, to, place, out);
    }
    out.values[to] = values_[r];
    out.biases[to] = biases_[r];
  }
  out.largest_residual = residual_;
  if (order_.size() < counts_.features) {
    out.unexpanded = unexpanded_share(known(), partial_influence(known(), weights_));
  }
  return out;
}

}  // namespace

std::vector<double> AttributionGraph::weights() const {
  std::vector<double> out;
  out.reserve(targets.size());
  for (const GraphTarget& target : targets) {
    out.push_back(target.weight);
  }
  return out;
}

Matrix AttributionGraph::folded_rows() const {
  Matrix out = Matrix::host(rows.rows(), rows.cols(), rows.dtype());
  convert(rows.ref(), out.ref());
  const auto errors =
      out.as<float>().col_range(counts.error(0, 0), counts.layers * counts.positions);
  const auto left = unselected.as<float>();
  for (std::size_t r = 0; r < errors.rows; ++r) {
    for (std::size_t c = 0; c < errors.cols; ++c) {
      errors.at(r, c) += left.at(r, c);
    }
  }
  return out;
}

std::vector<TraceTarget> salient_logits(LocalReplacement& replacement, std::size_t position,
                                        std::size_t most, double probability) {
  check(most != 0, "a trace needs at least one target");
  const std::vector<double> chances = probabilities(replacement, position);
  std::vector<TokenId> ranked(chances.size());
  std::iota(ranked.begin(), ranked.end(), 0);
  const std::size_t count = std::min(most, ranked.size());
  std::partial_sort(ranked.begin(), ranked.begin() + static_cast<std::ptrdiff_t>(count),
                    ranked.end(), [&](TokenId a, TokenId b) {
                      const double x = chances[static_cast<std::size_t>(a)];
                      const double y = chances[static_cast<std::size_t>(b)];
                      return x != y ? x > y : a < b;
                    });
  std::size_t kept = 0;
  for (double sum = 0.0; kept < count && sum < probability; ++kept) {
    sum += chances[static_cast<std::size_t>(ranked[kept])];
  }
  ranked.resize(std::max<std::size_t>(kept, 1));
  return with_probabilities(replacement, ranked, position, chances);
}

std::vector<TraceTarget> token_targets(LocalReplacement& replacement,
                                       std::span<const TokenId> tokens, std::size_t position) {
  check(!tokens.empty(), "a trace needs at least one target");
  const std::vector<double> chances = probabilities(replacement, position);
  for (const TokenId token : tokens) {
    check(token >= 0 && static_cast<std::size_t>(token) < chances.size(),
          "there is no token {}: the vocabulary has {}", token, chances.size());
  }
  return with_probabilities(replacement, tokens, position, chances);
}

TraceTarget why_not(const LocalReplacement& replacement, TokenId token, TokenId other,
                    std::size_t position) {
  return {replacement.difference_target(token, other, position),
          {.token = static_cast<std::uint32_t>(replacement.model().config().vocab),
           .position = static_cast<std::uint32_t>(position),
           .weight = 1.0}};
}

TraceTarget feature_as_target(const LocalReplacement& replacement, std::size_t layer,
                              std::size_t position, std::size_t feature) {
  const NodeCounts counts = replacement.counts();
  check(layer < counts.layers && position < counts.positions,
        "there is no feature {}:{}:{}: layers are 0 to {}, positions 0 to {}", layer, position,
        feature, counts.layers - 1, counts.positions - 1);
  const auto at = replacement.find(layer, position, feature);
  if (!at) {
    fail(ErrorCode::NotFound, "feature {} of layer {} does not fire at position {}{}", feature,
         layer, position, strongest_text(replacement, layer, position));
  }
  return {replacement.feature_target(*at),
          {.token = static_cast<std::uint32_t>(replacement.model().config().vocab),
           .position = static_cast<std::uint32_t>(position),
           .weight = 1.0}};
}

TraceOptions rows_as_needed(std::stop_token cancel) {
  return {.update_interval = 1, .unexpanded = kUnexpanded, .cancel = std::move(cancel)};
}

AttributionGraph trace(Backend& backend, LocalReplacement& replacement,
                       std::span<const TraceTarget> targets, const TraceOptions& options,
                       const std::function<void(const TraceStep&)>& watch) {
  check(!targets.empty(), "a trace needs at least one target");
  check(options.batch != 0 && options.update_interval != 0,
        "batches of {} targets, ranked every {}: both must be at least 1", options.batch,
        options.update_interval);
  Expansion expansion(backend, replacement, targets, options);
  expansion.run(watch);
  return expansion.graph(targets);
}

}  // namespace cajal
