// For tests of gradients: a golden model on two short sequences in double, in which chosen things
// can be held constant by edits at points.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "model/backward/backward.h"

namespace cajal {

double dot(std::span<const double> a, std::span<const double> b);
/// The sum of |a b|.
double dot_abs(std::span<const double> a, std::span<const double> b);
/// value += factor * what; of doubles, in rows.
void add_to(MatRef value, std::span<const double> what, double factor);

using Values = std::map<Point, std::vector<double>>;

class Experiment {
 public:
  explicit Experiment(const std::filesystem::path& folder);

  const ModelConfig& config() const { return model_->config(); }
  Backend& backend() { return *backend_; }
  const Model& model() const { return *model_; }
  Batch batch() const { return {tokens_, starts_}; }
  /// What is there when nothing is changed.
  const std::vector<double>& clean(Point p) const { return clean_.at(p); }
  bool exists(Point p) const { return clean_.contains(p); }
  /// Random numbers, one for each element at a point, the same every time.
  std::vector<double> noise(Point p, std::uint64_t stream) const;

  void forward(const PointSet& points);
  /// Holds constant what is frozen. `seen` keeps what the edits need within one pass.
  void freeze(const Freeze& what, PointSet& points, Values& seen);

 private:
  void freeze_norms(std::size_t layer, PointSet& points, Values& seen);
  void freeze_norm(Point in, Point out, const NormWeights& weights, PointSet& points, Values& seen);

  std::unique_ptr<Backend> backend_;
  std::shared_ptr<const Model> model_;
  std::vector<TokenId> tokens_;
  std::vector<std::int32_t> starts_ = {0};
  Values clean_;
  std::map<std::pair<Point, std::int32_t>, std::vector<double>> patterns_;  // by sequence
};

}  // namespace cajal
