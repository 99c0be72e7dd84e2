#include "intervene/frozen_norms.h"

#include <cmath>

#include "tensor/host_matrix.h"

namespace cajal {
namespace {

double mean_of(ConstMatRef m, std::size_t row) {
  double sum = 0.0;
  for (std::size_t c = 0; c < m.cols; ++c) {
    sum += element(m, row, c);
  }
  return sum / static_cast<double>(m.cols);
}

/// A norm with given denominators. The edits of both points hold it.
class FrozenNorm {
 public:
  FrozenNorm(const ModelConfig& config, const NormSite& site, ConstMatRef clean)
      : config_(config), site_(site) {
    for (std::size_t r = 0; r < clean.rows; ++r) {
      denominators_.push_back(denominator(clean, r));
    }
  }

  void read(ConstMatRef value, const PointContext& context) {
    if (is_prompt(context)) {
      input_ = host_copy(value);
    }
  }
  void write(MatRef value, const PointContext& context) const {
    for (std::size_t r = 0; is_prompt(context) && r < value.rows; ++r) {
      write_row(static_cast<std::size_t>(context.positions[r]), value.row_range(r, 1));
    }
  }

 private:
  bool is_prompt(const PointContext& context) const {
    return !context.positions.empty() &&
           static_cast<std::size_t>(context.positions.front()) < denominators_.size();
  }
  double denominator(ConstMatRef in, std::size_t r) const {
    const double mean = config_.norm == NormKind::Layer ? mean_of(in, r) : 0.0;
    double squares = 0.0;
    for (std::size_t c = 0; c < in.cols; ++c) {
      const double x = element(in, r, c) - mean;
      squares += x * x;
    }
    return std::sqrt(squares / static_cast<double>(in.cols) + config_.norm_epsilon);
  }
  void write_row(std::size_t position, MatRef out) const {
    const ConstMatRef in = input_.ref();
    const double mean = config_.norm == NormKind::Layer ? mean_of(in, position) : 0.0;
    for (std::size_t c = 0; c < out.cols; ++c) {
      double x = (element(in, position, c) - mean) / denominators_[position];
      if (site_.weights.gain) {
        x *= element(site_.weights.gain, 0, c) + config_.norm_gain_offset;
      }
      if (site_.weights.bias) {
        x += element(site_.weights.bias, 0, c);
      }
      set_element(out, 0, c, x * site_.multiplier);
    }
  }

  const ModelConfig& config_;
  NormSite site_;
  std::vector<double> denominators_;  // [prompt]
  Matrix input_;                      // of the pass under way
};

}  // namespace

std::vector<NormSite> norms_of(const Model& model) {
  const ModelConfig& config = model.config();
  std::vector<NormSite> out;
  for (std::size_t l = 0; l < config.layers; ++l) {
    const LayerWeights& w = model.weights().layers[l];
    const Point before = {PointKind::ResidPre, l};
    const Point middle = {config.parallel ? PointKind::ResidPre : PointKind::ResidMid, l};
    if (config.norm_before) {
      out.push_back({before, {PointKind::AttnIn, l}, w.attn_norm});
      out.push_back({middle, {PointKind::MlpInNormalized, l}, {}});
    }
    if (config.norm_after) {
      const double by = config.residual_multiplier;
      out.push_back({{PointKind::AttnOut, l}, {PointKind::AttnOutPost, l}, w.attn_post_norm, by});
      out.push_back({{PointKind::MlpOut, l}, {PointKind::MlpOutPost, l}, w.mlp_post_norm, by});
    }
  }
  const Point last = {PointKind::ResidPost, config.layers - 1};
  out.push_back({last, {PointKind::FinalNorm, 0}, model.weights().final_norm});
  return out;
}

std::shared_ptr<const void> freeze_norm(const Model& model, const NormSite& site,
                                        const PromptValues& clean, PointSet& set) {
  const auto norm =
      std::make_shared<FrozenNorm>(model.config(), site, clean.at.at(site.input).ref());
  set.read(site.input, [norm = norm.get()](ConstMatRef value, const PointContext& context) {
    norm->read(value, context);
  });
  set.edit(site.output, [norm = norm.get()](MatRef value, const PointContext& context) {
    norm->write(value, context);
  });
  return norm;
}

}  // namespace cajal
