// What explain asks of an atlas, which is kept in a layer above.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "atlas/feature_page.h"
#include "explain/chart/chart.h"

namespace cajal {

/// All three or none; an empty one means that there is no atlas.
struct AtlasView {
  /// By layers of the dictionary, as in the atlas; nullopt if there is none.
  std::function<std::optional<FeaturePage>(FeatureId)> page = nullptr;
  std::function<std::string(TokenId)> piece = nullptr;  // how a token is written
  /// The text around an example.
  std::function<ChartExample(const FeatureExample&)> example = nullptr;

  explicit operator bool() const noexcept { return static_cast<bool>(page); }
};

}  // namespace cajal
