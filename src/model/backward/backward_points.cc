// Where a backward pass looks at gradients and changes them.
#include <algorithm>

#include "base/error.h"
#include "model/backward/backward_pass.h"

namespace cajal {

bool BackwardPass::edits_any(std::span<const PointKind> kinds, std::size_t layer) const {
  return std::any_of(kinds.begin(), kinds.end(), [&](PointKind k) { return edits(k, layer); });
}

bool BackwardPass::edits_in(std::size_t layer) const {
  for (std::size_t kind = 0; kind < kPointKinds; ++kind) {
    const auto k = static_cast<PointKind>(kind);
    if (has_layer(k) && edits(k, layer)) {
      return true;
    }
  }
  return false;
}

std::size_t BackwardPass::lowest_layer() const {
  if (options_.gradients != nullptr || wants(PointKind::Embeddings, 0)) {
    return 0;
  }
  for (std::size_t layer = 0; layer < config_.layers; ++layer) {
    for (std::size_t kind = 0; kind < kPointKinds; ++kind) {
      const auto k = static_cast<PointKind>(kind);
      if (has_layer(k) && wants(k, layer)) {
        return layer;
      }
    }
  }
  return config_.layers;
}

void BackwardPass::check_points() const {
  for (std::size_t layer = 0; layer < config_.layers; ++layer) {
    for (const PointKind kind :
         {PointKind::AttnScores, PointKind::AttnProbs, PointKind::RouterLogits,
          PointKind::RouterWeights, PointKind::RouterIndex}) {
      if (wants(kind, layer)) {
        fail(ErrorCode::Unsupported, "gradients at '{}' are not supported",
             name_of(Point{kind, layer}));
      }
    }
  }
}

void BackwardPass::at(PointKind kind, std::size_t layer, MatRef value) {
  if (wants(kind, layer)) {
    options_.points->run(value, {.backend = backend_,
                                 .point = {kind, layer},
                                 .positions = std::span(tape_.layout_.positions).first(rows()),
                                 .sequences = std::span(tape_.layout_.sequences).first(rows())});
  }
}

void BackwardPass::at(PointKind kind, std::size_t layer, Gradient& gradient) {
  if (gradient.live || edits(kind, layer)) {
    at(kind, layer, gradient.value);
    gradient.live = true;
  }
}

void BackwardPass::at_final(PointKind kind, MatRef value) {
  if (wants(kind, 0)) {
    const auto positions = picked(tape_.layout_.positions, logit_rows());
    const auto sequences = picked(tape_.layout_.sequences, logit_rows());
    options_.points->run(
        value,
        {.backend = backend_, .point = {kind, 0}, .positions = positions, .sequences = sequences});
  }
}

}  // namespace cajal
