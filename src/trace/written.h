// What sources of a frozen model write, carried up the residual stream without attention: each
// source's own part of the stream at the positions where it writes. Private to this folder.
#pragma once

#include <functional>
#include <map>
#include <span>
#include <vector>

#include "trace/heads.h"

namespace cajal {

/// A row of what is carried: a source at one of its positions.
struct WrittenRow {
  std::size_t source = 0;
  std::size_t position = 0;
};

/// The clean run's numbers that linear maps of the frozen model are made of, and those maps.
class WrittenStream {
 public:
  /// Runs the model once. Throws as split_by_heads() does.
  WrittenStream(Backend& backend, const LocalReplacement& replacement,
                std::span<const HeadSource> sources);

  /// [rows] by source, then position.
  std::span<const WrittenRow> rows() const noexcept { return rows_; }
  /// The first of a source's rows and the one after its last.
  std::pair<std::size_t, std::size_t> rows_of(std::size_t source) const {
    return {starts_[source], starts_[source + 1]};
  }

  /// Calls seen(point, rows of it) at the input of every layer of the dictionary and at the final
  /// norm, from the bottom up: [rows, columns of the point]. Once only.
  void carry(const std::function<void(Point, ConstMatRef)>& seen);

  /// After carry(): what the values of a layer take up, [rows, kv_heads * d_head].
  ConstMatRef values(std::size_t layer) const { return values_[layer].ref(); }
  /// How much the query at `to` reads at the position of a row.
  double pattern(std::size_t layer, std::size_t head, std::size_t to, std::size_t row) const;

 private:
  void lay_out(std::span<const HeadSource> sources);
  void run_clean();
  void keep(PointSet& points, Point point);
  void start(std::span<const HeadSource> sources);
  Matrix normed(Point input, const NormWeights& norm, ConstMatRef in) const;
  Matrix input_of(std::size_t layer, ConstMatRef in) const;
  Matrix output_of(std::size_t layer, Matrix written) const;
  void take_values(std::size_t layer);
  void clip_values(std::size_t layer, MatRef values) const;
  void write_features(std::size_t layer);
  void write_skip(std::size_t layer, ConstMatRef input);
  const ModelConfig& config() const { return replacement_.model().config(); }
  Point before_mlp(std::size_t layer) const {
    return {config().parallel ? PointKind::ResidPre : PointKind::ResidMid, layer};
  }

  Backend& backend_;
  const LocalReplacement& replacement_;
  std::vector<WrittenRow> rows_;
  std::vector<std::size_t> starts_ = {0};                       // [sources + 1] into rows_
  std::vector<std::uint32_t> columns_;                          // [rows] of patterns_
  std::vector<std::size_t> positions_;                          // that sources write at, ascending
  std::vector<std::pair<std::size_t, std::uint32_t>> written_;  // {row, feature}
  std::map<Point, Matrix> clean_;
  std::vector<Matrix> patterns_;  // [layers] of [heads * positions, positions_]
  std::vector<Matrix> values_;    // [layers]
  Matrix stream_;                 // [rows, d_model]
};

}  // namespace cajal
