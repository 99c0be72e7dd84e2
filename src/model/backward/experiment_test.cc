#include "model/backward/experiment_test.h"

#include <algorithm>
#include <cmath>

#include "base/random.h"
#include "io/json.h"
#include "model/golden_model_test.h"
#include "testing/compare.h"

namespace cajal {
namespace {

using testing::is_pattern;

void set_to(MatRef value, std::span<const double> what) {
  const auto m = value.as<double>();
  for (std::size_t r = 0; r < m.rows; ++r) {
    std::copy_n(what.begin() + static_cast<std::ptrdiff_t>(r * m.cols), m.cols, m.row(r).begin());
  }
}

/// A norm as a linear map: the denominators are those of `fixed`.
struct FrozenNorm {
  const ModelConfig& config;
  const NormWeights& weights;
  std::span<const double> fixed;

  double mean(std::span<const double> row) const {
    double sum = 0.0;
    for (const double x : row) {
      sum += x;
    }
    return config.norm == NormKind::Layer ? sum / static_cast<double>(row.size()) : 0.0;
  }
  std::vector<double> operator()(std::span<const double> in) const {
    const std::size_t d = config.d_model;
    std::vector<double> out(in.size());
    for (std::size_t r = 0; r < in.size() / d; ++r) {
      const auto then = fixed.subspan(r * d, d);
      const auto now = in.subspan(r * d, d);
      double squares = 0.0;
      for (const double x : then) {
        squares += (x - mean(then)) * (x - mean(then));
      }
      const double sigma = std::sqrt(squares / static_cast<double>(d) + config.norm_epsilon);
      for (std::size_t c = 0; c < d; ++c) {
        const double gain =
            weights.gain ? element(weights.gain, 0, c) + config.norm_gain_offset : 1.0;
        const double bias = weights.bias ? element(weights.bias, 0, c) : 0.0;
        out[r * d + c] = (now[c] - mean(now)) / sigma * gain + bias;
      }
    }
    return out;
  }
};

}  // namespace

double dot(std::span<const double> a, std::span<const double> b) {
  double sum = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    sum += a[i] * b[i];
  }
  return sum;
}

double dot_abs(std::span<const double> a, std::span<const double> b) {
  double sum = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    sum += std::abs(a[i] * b[i]);
  }
  return sum;
}

/// value += factor * what, for what of the value's size.
void add_to(MatRef value, std::span<const double> what, double factor) {
  const auto m = value.as<double>();
  for (std::size_t r = 0; r < m.rows; ++r) {
    for (std::size_t c = 0; c < m.cols; ++c) {
      m.at(r, c) += factor * what[r * m.cols + c];
    }
  }
}

Experiment::Experiment(const std::filesystem::path& folder)
    : backend_(make_reference_backend()), model_(Model::load(folder)) {
  const Json notes = Json::load(folder / "expected.json");
  for (const char* sequence : {"B", "C"}) {
    const auto& ids = notes.at("tokens", "").at(sequence, "").as_array("");
    for (std::size_t i = 0; i < std::min<std::size_t>(ids.size(), 14); ++i) {
      tokens_.push_back(static_cast<TokenId>(ids[i].as_int("")));
    }
    starts_.push_back(static_cast<std::int32_t>(tokens_.size()));
  }
  PointSet points;
  for (const Point p : points_of(config())) {
    points.read(p, [&, p](ConstMatRef value, const PointContext& context) {
      const auto now = testing::elements(value);  // patterns come once for each sequence
      auto& all = clean_[p];
      if (is_pattern(p.kind)) {
        patterns_[{p, context.sequences[0]}] = now;
      }
      all.insert(all.end(), now.begin(), now.end());
    });
  }
  forward(points);
}

std::vector<double> Experiment::noise(Point p, std::uint64_t stream) const {
  std::vector<double> out(clean(p).size());
  const std::uint64_t id = stream * 100000 + p.layer * 100 + static_cast<std::uint64_t>(p.kind);
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = random_normal(11, id, i);
  }
  return out;
}

void Experiment::forward(const PointSet& points) {
  KvCache cache(config(), *backend_, starts_.size() - 1);
  model_->forward(*backend_, batch(), cache, {.logits = LogitRows::All, .points = &points});
}

void Experiment::freeze(const Freeze& what, PointSet& points, Values& seen) {
  for (std::size_t layer = 0; layer < config().layers; ++layer) {
    if (what.patterns) {
      points.edit({PointKind::AttnProbs, layer}, [&](MatRef value, const PointContext& c) {
        set_to(value, patterns_.at({c.point, c.sequences[0]}));
      });
    }
    if (what.mlps) {
      points.edit({PointKind::MlpOut, layer},
                  [&](MatRef value, const PointContext& c) { set_to(value, clean(c.point)); });
    }
    if (what.denominators) {
      freeze_norms(layer, points, seen);
    }
  }
  if (what.denominators) {
    freeze_norm({PointKind::ResidPost, config().layers - 1}, {PointKind::FinalNorm, 0},
                model_->weights().final_norm, points, seen);
  }
}

void Experiment::freeze_norms(std::size_t layer, PointSet& points, Values& seen) {
  const LayerWeights& w = model_->weights().layers[layer];
  if (config().norm_before) {
    freeze_norm({PointKind::ResidPre, layer}, {PointKind::AttnIn, layer}, w.attn_norm, points,
                seen);
    const PointKind in = config().parallel ? PointKind::ResidPre : PointKind::ResidMid;
    freeze_norm({in, layer}, {PointKind::MlpIn, layer}, w.mlp_norm, points, seen);
  }
  if (config().norm_after) {
    freeze_norm({PointKind::AttnOut, layer}, {PointKind::AttnOutPost, layer}, w.attn_post_norm,
                points, seen);
    freeze_norm({PointKind::MlpOut, layer}, {PointKind::MlpOutPost, layer}, w.mlp_post_norm, points,
                seen);
  }
}

void Experiment::freeze_norm(Point in, Point out, const NormWeights& weights, PointSet& points,
                             Values& seen) {
  points.read(in, [&seen](ConstMatRef value, const PointContext& c) {
    seen[c.point] = testing::elements(value);
  });
  points.edit(out, [this, in, &weights, &seen](MatRef value, const PointContext&) {
    set_to(value, FrozenNorm{config(), weights, clean(in)}(seen.at(in)));
  });
}

}  // namespace cajal
