#include "intervene/intervention.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "dictionary/dictionary.h"
#include "model/points.h"

namespace cajal {
namespace {

template <typename Edit>
void check_change(const Edit& edit, const std::string& name, bool donor) {
  check(std::isfinite(edit.change.value), "{}: {} is not a finite number", name, edit.change.value);
  if (edit.change.kind != ChangeKind::From) {
    return;
  }
  check(donor, "{}: there is no other prompt to take it from", name);
  check(edit.positions.kind != Positions::Kind::Generated,
        "{}: the other prompt has nothing where tokens are generated", name);
}

void check_positions(const Positions& positions, std::size_t prompt, const std::string& name) {
  if (positions.kind != Positions::Kind::Range) {
    return;
  }
  const std::size_t last = positions.end ? *positions.end - 1 : positions.begin;
  check(!positions.end || *positions.end > positions.begin, "{}: the range of positions is empty",
        name);
  check(std::max(positions.begin, last) < prompt,
        "{}: there is no position {}, the prompt has 0 to {} (and what follows it is 'generated')",
        name, std::max(positions.begin, last), prompt - 1);
}

std::string layers_of(const Dictionary& dictionary) {
  std::string out;
  for (const DictionaryLayer& layer : dictionary.layers()) {
    out += fmt::format("{}{}", out.empty() ? "" : ", ", layer.layer);
  }
  const std::size_t first = dictionary.layers().front().layer;
  const std::size_t last = dictionary.layers().back().layer;
  return last - first + 1 == dictionary.layers().size() ? fmt::format("{} to {}", first, last)
                                                        : out;
}

void check_feature(const FeatureEdit& edit, const Dictionary* dictionary, const std::string& name) {
  check(dictionary != nullptr, "{}: changing a feature needs a dictionary", name);
  const auto index = dictionary->index_of(edit.layer);
  check(index.has_value(), "{}: there is no layer {}, the dictionary has {}", name, edit.layer,
        layers_of(*dictionary));
  const std::size_t features = dictionary->layers()[*index].features();
  check(edit.feature < features, "{}: there is no feature {}, layer {} has 0 to {}", name,
        edit.feature, edit.layer, features - 1);
}

void check_point(const PointEdit& edit, const ModelConfig& config, const std::string& name) {
  const Point point = parse_point(edit.point, config);
  const bool takes = edit.change.kind == ChangeKind::Set || edit.change.kind == ChangeKind::Add;
  check(edit.direction.empty() || takes, "{}: a direction can be set or added, not scaled or taken",
        name);
  check(std::all_of(edit.direction.begin(), edit.direction.end(),
                    [](double x) { return std::isfinite(x); }),
        "{}: the direction has numbers that are not finite", name);
  const bool pattern = point.kind == PointKind::AttnProbs || point.kind == PointKind::AttnScores;
  check(!pattern || edit.direction.empty(),
        "{}: {} is as wide as the text is long, so it takes no direction", name, name_of(point));
}

}  // namespace

bool Positions::includes(std::size_t position, std::size_t prompt) const noexcept {
  switch (kind) {
    case Kind::Last:
      return position + 1 == prompt;
    case Kind::Generated:
      return position >= prompt;
    case Kind::Range:
      break;
  }
  return position >= begin && (!end || position < *end);
}

void check_interventions(const Interventions& interventions, const ModelConfig& config,
                         const Dictionary* dictionary, std::size_t prompt, bool donor) {
  check(prompt != 0, "there is nothing to change: the prompt has no tokens");
  for (const FeatureEdit& edit : interventions.features) {
    const std::string name = spelling_of(edit);
    check_feature(edit, dictionary, name);
    check_positions(edit.positions, prompt, name);
    check_change(edit, name, donor);
  }
  for (const PointEdit& edit : interventions.points) {
    const std::string name = spelling_of(edit);
    check_point(edit, config, name);
    check_positions(edit.positions, prompt, name);
    check_change(edit, name, donor);
  }
  if (const auto& layers = interventions.frozen.layers) {
    check(layers->first < layers->second && layers->second <= config.layers,
          "there are no layers {} to {} to freeze, the model has 0 to {}", layers->first,
          static_cast<std::ptrdiff_t>(layers->second) - 1, config.layers - 1);
  }
}

Interventions swap_features(std::span<const FeatureEdit> off, std::span<const FeatureEdit> on,
                            double strength) {
  Interventions out;
  out.features.assign(off.begin(), off.end());
  for (FeatureEdit& edit : out.features) {
    edit.change = {ChangeKind::Set, 0.0};
  }
  for (FeatureEdit edit : on) {
    edit.change = {ChangeKind::From, strength};
    out.features.push_back(std::move(edit));
  }
  return out;
}

}  // namespace cajal
