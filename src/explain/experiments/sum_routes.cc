#include "explain/experiments/sum_routes.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>

#include <fmt/format.h>

#include "base/error.h"
#include "explain/flow.h"
#include "trace/trace.h"

namespace cajal {
namespace {

constexpr std::size_t kRows = 512;  // features with a row
constexpr std::array<int, 4> kOtherSize = {-20, -10, 10, 20};
constexpr std::array<int, 8> kOtherDigit = {-4, -3, -2, -1, 1, 2, 3, 4};
static_assert(kOtherSize.back() == kFarthestStep);

/// to += factor * from; an empty `to` becomes that.
void add_scaled(const RowTarget& from, double factor, RowTarget& to) {
  to.point = from.point;
  to.position = from.position;
  to.direction.resize(from.direction.size(), 0.0);
  for (std::size_t c = 0; c < from.direction.size(); ++c) {
    to.direction[c] += factor * from.direction[c];
  }
  to.bias += factor * from.bias;
  to.value += factor * from.value;
}

/// logit(answer) less the mean of those `steps` away.
RowTarget contrast_target(const LocalReplacement& replacement, std::span<const TokenId> numbers,
                          int answer, std::span<const int> steps) {
  std::vector<TokenId> others;
  for (const int step : steps) {
    const int other = answer + step;
    if (other >= 0) {
      others.push_back(numbers[static_cast<std::size_t>(other)]);
    }
  }
  RowTarget out;
  for (const TokenId other : others) {
    add_scaled(replacement.difference_target(numbers[static_cast<std::size_t>(answer)], other,
                                             replacement.tokens().size() - 1),
               1.0 / static_cast<double>(others.size()), out);
  }
  return out;
}

TraceTarget named(const LocalReplacement& replacement, RowTarget row, std::uint32_t index,
                  std::string label) {
  const auto position = static_cast<std::uint32_t>(row.position);
  const auto vocab = static_cast<std::uint32_t>(replacement.model().config().vocab);
  return {std::move(row),
          {.token = vocab + index, .position = position, .weight = 0.5, .label = std::move(label)}};
}

/// Nodes of the graph at its last position.
std::vector<std::size_t> nodes_at_mark(const AttributionGraph& graph) {
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < graph.counts.features; ++i) {
    if (graph.feature(i).position + 1 == graph.tokens.size()) {
      out.push_back(i);
    }
  }
  return out;
}

/// [nodes] the effect of each on one of the graph's targets, as a share of all of theirs.
std::vector<double> effect_shares(const AttributionGraph& graph, std::span<const std::size_t> nodes,
                                  std::vector<double> weights) {
  std::vector<double> activations;
  activations.reserve(graph.counts.features);
  for (std::size_t i = 0; i < graph.counts.features; ++i) {
    activations.push_back(graph.feature(i).activation);
  }
  const GraphFlow flow(graph.counts, graph.folded_rows(), std::move(weights), activations);
  std::vector<double> out;
  double all = 0.0;
  for (const std::size_t node : nodes) {
    out.push_back(flow.node_effects()[node]);
    all += std::abs(out.back());
  }
  for (double& x : out) {
    x = all == 0.0 ? 0.0 : x / all;
  }
  return out;
}

void sort_by_share(std::vector<RoledFeature>& features) {
  std::stable_sort(features.begin(), features.end(),
                   [](const RoledFeature& a, const RoledFeature& b) { return a.share > b.share; });
}

}  // namespace

std::vector<TokenId> number_tokens(const Tokenizer& tokenizer) {
  std::vector<TokenId> out;
  for (int n = 0; n <= kMostSum + kFarthestStep; ++n) {
    const auto ids = tokenizer.encode_ids(fmt::format("{}", n), {.add_special_tokens = false});
    check(ids.size() == 1, "the number {} is {} tokens of this model, and sums need one", n,
          ids.size());
    const auto same = std::ranges::find(out, ids.front());
    check(same == out.end(), "the numbers {} and {} are one token of this model, and sums need two",
          same - out.begin(), n);
    out.push_back(ids.front());
  }
  return out;
}

std::optional<SumCase> sum_of(const Subject& subject, const Question& question) {
  const std::string& text = question.prompt;
  const std::size_t plus = text.rfind('+');
  if (question.kind != "sum" || plus == std::string::npos || !text.ends_with('=')) {
    return std::nullopt;
  }
  std::size_t begin = plus;
  while (begin > 0 && std::isdigit(static_cast<unsigned char>(text[begin - 1])) != 0) {
    --begin;
  }
  SumCase out{.text = text,
              .a = std::stoi(text.substr(begin, plus - begin)),
              .b = std::stoi(text.substr(plus + 1))};
  if (out.sum() < kLeastSum || out.sum() > kMostSum) {
    return std::nullopt;
  }
  out.prompt = roled_prompt(subject, text, 0, 0);
  return out;
}

void find_routes(const Subject& subject, std::span<const TokenId> numbers, SumCase& sum,
                 const std::stop_token& cancel) {
  LocalReplacement replacement(subject.backend, subject.model, subject.dictionary, sum.prompt.ids,
                               {.precision = subject.precision});
  const std::array<TraceTarget, 2> targets = {
      named(replacement, contrast_target(replacement, numbers, sum.sum(), kOtherSize), 0, "size"),
      named(replacement, contrast_target(replacement, numbers, sum.sum(), kOtherDigit), 1,
            "last digit")};
  const AttributionGraph graph =
      trace(subject.backend, replacement, targets, {.max_features = kRows, .cancel = cancel});
  const std::vector<std::size_t> nodes = nodes_at_mark(graph);
  const std::vector<double> size = effect_shares(graph, nodes, {1.0, 0.0});
  const std::vector<double> digit = effect_shares(graph, nodes, {0.0, 1.0});
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const ActiveFeature& f = graph.feature(nodes[i]);
    RoledFeature feature{f.layer, f.feature, 0, f.activation, 0.0};
    sum.active.push_back(feature);
    if (feature.share = size[i] - std::abs(digit[i]); feature.share > 0.0) {
      sum.size.push_back(feature);
    }
    if (feature.share = digit[i] - std::abs(size[i]); feature.share > 0.0) {
      sum.digit.push_back(feature);
    }
  }
  sort_by_share(sum.size);
  sort_by_share(sum.digit);
}

}  // namespace cajal
