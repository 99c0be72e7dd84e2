#include "explain/experiments/prompt_graph.h"

#include <algorithm>
#include <numeric>

#include "explain/flow.h"
#include "trace/trace.h"

namespace cajal {
namespace {

bool fires(std::span<const RoledFeature> features, const RoledFeature& wanted) {
  return std::ranges::binary_search(features, wanted.place(), {}, &RoledFeature::place);
}

/// Adds a feature for each role that its position has.
void add_roles(const ActiveFeature& feature, double share, const RoledPrompt& prompt,
               std::vector<RoledFeature>& out) {
  for (std::size_t r = 0; r < prompt.roles.size(); ++r) {
    if (prompt.roles[r].position == feature.position) {
      out.push_back({feature.layer, feature.feature, r, feature.activation, share});
    }
  }
}

void sort_by_place(std::vector<RoledFeature>& features) {
  std::ranges::sort(features, {}, &RoledFeature::place);
}

std::vector<RoledFeature> features_of(const LocalReplacement& replacement,
                                      const RoledPrompt& prompt) {
  std::vector<RoledFeature> out;
  for (const ActiveFeature& feature : replacement.features()) {
    add_roles(feature, 0.0, prompt, out);
  }
  sort_by_place(out);
  return out;
}

LocalReplacement replacement_of(const Subject& subject, const RoledPrompt& prompt) {
  return {subject.backend,
          subject.model,
          subject.dictionary,
          prompt.ids,
          {.precision = subject.precision}};
}

/// The fewest with the largest shares that hold `hold` of them all.
std::vector<RoledFeature> strongest(std::vector<RoledFeature> features, double hold) {
  std::stable_sort(features.begin(), features.end(),
                   [](const RoledFeature& a, const RoledFeature& b) { return a.share > b.share; });
  const double all =
      std::accumulate(features.begin(), features.end(), 0.0,
                      [](double sum, const RoledFeature& f) { return sum + f.share; });
  double held = 0.0;
  std::size_t count = 0;
  while (count < features.size() && held < hold * all) {
    held += features[count++].share;
  }
  features.resize(count);
  sort_by_place(features);
  return features;
}

}  // namespace

RoledPrompt roled_prompt(const Subject& subject, const std::string& text, std::size_t begin,
                         std::size_t end) {
  Encoding encoding = subject.tokenizer->encode(text);
  RoledPrompt out;
  for (std::size_t i = 0; i < encoding.ids.size(); ++i) {
    const TokenSpan& span = encoding.offsets[i];
    if (span.begin < end && span.end > begin) {
      out.roles.push_back({.position = i, .last = false});
    }
  }
  out.roles.push_back({.position = encoding.ids.size() - 1, .last = true});
  out.ids = std::move(encoding.ids);
  return out;
}

std::vector<RoledFeature> features_at_roles(const Subject& subject, const RoledPrompt& prompt) {
  return features_of(replacement_of(subject, prompt), prompt);
}

PromptGraph read_prompt_graph(const Subject& subject, const RoledPrompt& prompt,
                              const PromptGraphOptions& options) {
  LocalReplacement replacement = replacement_of(subject, prompt);
  const std::vector<TraceTarget> targets =
      salient_logits(replacement, prompt.ids.size() - 1, 1, 1.0);
  const AttributionGraph graph = trace(subject.backend, replacement, targets,
                                       {.max_features = options.rows, .cancel = options.cancel});
  const GraphFlow flow(graph);
  std::vector<RoledFeature> shared;
  for (std::size_t i = 0; i < graph.counts.features; ++i) {
    add_roles(graph.feature(i), flow.node_shares()[i], prompt, shared);
  }
  return {features_of(replacement, prompt), strongest(std::move(shared), options.hold)};
}

std::vector<RoledFeature> contrast(const PromptGraph& graph, std::span<const RoledFeature> without,
                                   std::span<const std::vector<RoledFeature>> with) {
  std::vector<RoledFeature> out;
  for (const RoledFeature& feature : graph.important) {
    const bool shared =
        std::all_of(with.begin(), with.end(),
                    [&](const std::vector<RoledFeature>& other) { return fires(other, feature); });
    if (shared && !fires(without, feature)) {
      out.push_back(feature);
    }
  }
  return out;
}

}  // namespace cajal
