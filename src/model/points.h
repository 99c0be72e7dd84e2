// Points: the places of a forward pass where a value can be read or changed.
//
// Names are the field's newest standard ones ("resid_pre.3", "q.0", "logits"); TransformerLens
// names ("blocks.3.hook_resid_post") are understood too. What each holds, with T tokens, H heads,
// K key/value heads, D columns a head, d the model's width:
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/config.h"
#include "ops/backend.h"

namespace cajal {

enum class PointKind : std::uint8_t {
  Embeddings,        // [T, d]; what enters layer 0
  ResidPre,          // [T, d]; input of the layer
  AttnIn,            // [T, d]; what the q, k and v projections receive
  Q,                 // [T, H * D]; after norm and rotation, before the score scale
  K,                 // [T, K * D]
  Value,             // [T, K * D]
  AttnScores,        // [H * T, keys] of one sequence, row = head * T + query; after scale and cap;
                     // masked entries are 0
  AttnProbs,         // the same shape; rows sum to 1 (less what a sink takes)
  Z,                 // [T, H * D]; input of the output projection
  AttnOut,           // [T, d]; its output
  AttnOutPost,       // [T, d]; what is added, where that differs (post-norm, multiplier)
  ResidMid,          // [T, d]; between attention and MLP; absent in parallel blocks
  MlpIn,             // [T, d]; what the MLP receives
  MlpInNormalized,   // [T, d]; the same before gain and bias
  MlpPre,            // [T, d_mlp]; argument of the activation
  MlpAct,            // [T, d_mlp]; input of the last projection
  RouterLogits,      // [T, experts]
  RouterWeights,     // [T, active]; best expert first
  RouterIndex,       // [T, active]; which experts, as numbers
  MlpOut,            // [T, d]
  MlpOutPost,        // [T, d]; what is added, where that differs
  ResidPost,         // [T, d]; output of the layer
  FinalNorm,         // [rows, d]; rows whose logits are computed
  LogitsPresoftcap,  // [rows, vocab]; before cap and scaling, where there are any
  Logits,            // [rows, vocab]; "lm_head" is another name for it
};
inline constexpr std::size_t kPointKinds = 25;

struct Point {
  PointKind kind = PointKind::Embeddings;
  std::size_t layer = 0;  // 0 where the kind has no layer
  friend auto operator<=>(const Point&, const Point&) = default;
};

bool has_layer(PointKind kind) noexcept;
std::string name_of(Point point);

/// Every point of this model, in the order of computation.
std::vector<Point> points_of(const ModelConfig& config);

/// Columns of a point's value: the same for every layer. AttnScores and AttnProbs, whose columns
/// are the tokens that can be seen, have no such number: 0.
std::size_t columns_of(PointKind kind, const ModelConfig& config);

/// Throws NotFound, suggesting the nearest name, if the model has no such point.
Point parse_point(std::string_view name, const ModelConfig& config);

/// Which tokens the rows of a value belong to. Valid during the call only.
struct PointContext {
  Backend& backend;
  Point point;
  std::span<const std::int32_t> positions;  // [T] index in its sequence
  std::span<const std::int32_t> sequences;  // [T] index in the batch
};

using PointReader = std::function<void(ConstMatRef value, const PointContext& context)>;
using PointEditor = std::function<void(MatRef value, const PointContext& context)>;

enum class EditKind : std::uint8_t { Set, Add, Scale };

/// An edit as data: at rows of `sequence` whose position is in [begin, end).
struct RowEdit {
  EditKind kind = EditKind::Set;
  std::int32_t sequence = 0;
  std::int32_t begin = 0;
  std::int32_t end = INT32_MAX;  // exclusive; generated tokens included
  std::vector<double> value;     // Set, Add: [cols], or one number for all columns
  double factor = 1.0;           // Scale
};

/// What a caller wants to read and change in a forward pass. At a point, edits run first, in the
/// order added; then readers see the result. Not to be changed during a forward pass.
class PointSet {
 public:
  void read(Point point, PointReader reader);
  void edit(Point point, PointEditor editor);
  /// Throws InvalidArgument (when run) if the value's width does not fit the point.
  void edit(Point point, RowEdit edit);

  bool empty() const noexcept { return entries_.empty(); }
  /// One look at a bit: the forward pass asks this before it computes anything extra.
  bool wants(Point point) const noexcept {
    const std::size_t i = index(point);
    return i < wanted_.size() && wanted_[i];
  }
  bool edits(Point point) const;
  /// How many of the first layers a pass has to go through to reach every point: `layers` of the
  /// model at most.
  std::size_t layers_needed(std::size_t layers) const;
  void run(MatRef value, const PointContext& context) const;
  /// The same without readers.
  PointSet only_edits() const;

 private:
  struct Entry {
    PointEditor edit;  // exactly one of the two is set
    PointReader read;
  };
  static std::size_t index(Point p) noexcept {
    return p.layer * kPointKinds + static_cast<std::size_t>(p.kind);
  }
  std::vector<Entry>& at(Point point);

  std::vector<bool> wanted_;
  std::map<Point, std::vector<Entry>> entries_;
};

}  // namespace cajal
