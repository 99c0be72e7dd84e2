#include "train/dictionary/code.h"

#include <cmath>

namespace cajal {
namespace {

/// The gradients of one layer as they come together, entry by entry.
class CodeBackward {
 public:
  CodeBackward(const SparseEntries& entries, std::span<const double> a, std::span<const double> da,
               const CodeContext& context)
      : entries_(entries),
        pattern_(entries.pattern),
        a_(a),
        context_(context),
        recipe_(*context.recipe),
        tokens_(static_cast<double>(pattern_.rows())),
        coefficient_(recipe_.sparsity.coefficient.at(context.t) * context.penalty) {
    out_.dh.assign(da.begin(), da.end());
  }

  CodeGradient run() {
    if (changes_norms()) {
      out_.dnorm.assign(pattern_.cols, 0.0);
    }
    if (jumps()) {
      through_activation_.assign(pattern_.cols, 0.0);
      through_step_.assign(pattern_.cols, 0.0);
    }
    if (recipe_.sparsity.kind != SparsityKind::None || jumps()) {
      go_through_entries();
    }
    if (recipe_.pre_activation.among != Among::None) {
      add_pre_activations();
    }
    if (jumps()) {
      set_threshold_gradient();
    }
    return std::move(out_);
  }

 private:
  /// Whether norms are in the loss: where they only rank, they have no gradient.
  bool changes_norms() const {
    return recipe_.sparsity.kind == SparsityKind::L1 ||
           recipe_.sparsity.kind == SparsityKind::Tanh ||
           recipe_.pre_activation.among != Among::None;
  }
  bool jumps() const { return recipe_.code == CodeKind::JumpRelu; }

  /// How many features of token t fire.
  double l0(std::size_t t) const {
    double count = 0.0;
    for (std::size_t e = pattern_.starts[t]; e < pattern_.starts[t + 1]; ++e) {
      count += is_above(e) ? 1.0 : 0.0;
    }
    return count;
  }
  bool is_above(std::size_t e) const {
    return !jumps() || entries_.values[e] > context_.theta[pattern_.columns[e]];
  }

  /// The gradient of each of token t's steps [h > theta]; adds the loss.
  double step_gradient(std::size_t t, double mean_l0) {
    const double target = recipe_.sparsity.target;
    const double share = coefficient_ / tokens_;
    if (recipe_.sparsity.kind == SparsityKind::Step) {
      out_.sparsity += share * l0(t);
      return share;
    }
    if (recipe_.sparsity.kind == SparsityKind::Quadratic) {
      const double off = l0(t) - target;
      out_.sparsity += share * 2.0 / target * off * off;
      return share * 4.0 / target * off;
    }
    if (recipe_.sparsity.kind == SparsityKind::BatchQuadratic) {
      const double off = mean_l0 / target - 1.0;
      out_.sparsity += share * off * off;
      return share * 2.0 * off / target;
    }
    return 0.0;
  }

  void go_through_entries() {
    double mean_l0 = 0.0;
    for (std::size_t t = 0; t < pattern_.rows(); ++t) {
      mean_l0 += l0(t) / tokens_;
    }
    for (std::size_t t = 0; t < pattern_.rows(); ++t) {
      const double dstep = step_gradient(t, mean_l0);
      for (std::size_t e = pattern_.starts[t]; e < pattern_.starts[t + 1]; ++e) {
        add_penalty(e);
        if (jumps()) {
          jump(e, dstep);
        }
      }
    }
  }

  /// Of an activation's size.
  void add_penalty(std::size_t e) {
    const std::size_t i = pattern_.columns[e];
    const double share = coefficient_ / tokens_;
    if (recipe_.sparsity.kind == SparsityKind::L1) {
      const double n = context_.norms[i];
      out_.sparsity += share * a_[e] * n;
      out_.dh[e] += share * n;
      out_.dnorm[i] += share * a_[e];
    } else if (recipe_.sparsity.kind == SparsityKind::Tanh) {
      const double n = context_.norms[i];
      const double slope = recipe_.sparsity.slope;
      const double tanh = std::tanh(slope * a_[e] * n);
      const bool flat = recipe_.sparsity.of_absolute && a_[e] == 0.0;
      const double rise = flat ? 0.0 : share * slope * (1.0 - tanh * tanh);
      out_.sparsity += share * tanh;
      out_.dh[e] += rise * n;
      out_.dnorm[i] += rise * a_[e];
    }
  }

  /// From the gradient of a to those of h and theta.
  void jump(std::size_t e, double dstep) {
    const std::size_t i = pattern_.columns[e];
    const JumpOptions& o = recipe_.jump;
    const double theta = context_.theta[i];
    const bool above = is_above(e);
    const double da = out_.dh[e];
    double dh = above ? da : 0.0;
    if (std::abs(entries_.values[e] - theta) < o.bandwidth / 2.0) {
      const double of_activation = theta / o.bandwidth * da;
      const double of_step = o.gated_step && !above ? 0.0 : dstep / o.bandwidth;
      through_activation_[i] -= of_activation;
      through_step_[i] -= of_step;
      dh += o.to_input ? of_activation + of_step : 0.0;
    }
    out_.dh[e] = dh;
  }

  /// relu(theta - h) is active just where no entry has h >= theta, so its sums over all tokens are
  /// those of all h less those of entries.
  void add_pre_activations() {
    std::vector<double> excess(pattern_.cols, 0.0);
    std::vector<double> below(pattern_.cols, tokens_);
    out_.everywhere.assign(pattern_.cols, 0.0);
    for (std::size_t e = 0; e < pattern_.stored(); ++e) {
      const std::size_t i = pattern_.columns[e];
      if (entries_.values[e] >= context_.theta[i]) {
        excess[i] += entries_.values[e] - context_.theta[i];
        below[i] -= 1.0;
        out_.dh[e] += pull(i);
      }
    }
    for (std::size_t i = 0; i < pattern_.cols; ++i) {
      const double sum = tokens_ * context_.theta[i] - context_.total_h[i] + excess[i];
      out_.pre_activation += pull(i) * sum;
      out_.everywhere[i] = -pull(i);
      out_.dnorm[i] += pull(i) == 0.0 ? 0.0 : pull(i) / context_.norms[i] * sum;
      through_step_[i] += pull(i) * below[i];
    }
  }

  double pull(std::size_t i) const {
    const bool counts = recipe_.pre_activation.among == Among::All || context_.dead[i] != 0;
    return counts ? recipe_.pre_activation.coefficient * context_.norms[i] / tokens_ : 0.0;
  }

  void set_threshold_gradient() {
    const bool log = recipe_.jump.parameter != ThresholdParameter::Raw;
    const bool direct = recipe_.jump.parameter == ThresholdParameter::LogDirect;
    out_.dthreshold.resize(pattern_.cols);
    for (std::size_t i = 0; i < pattern_.cols; ++i) {
      const double chain = log ? context_.theta[i] : 1.0;
      out_.dthreshold[i] =
          (direct ? 1.0 : chain) * through_activation_[i] + chain * through_step_[i];
    }
  }

  const SparseEntries& entries_;
  const SparsePattern& pattern_;
  std::span<const double> a_;
  const CodeContext& context_;
  const DictionaryRecipe& recipe_;
  double tokens_;
  double coefficient_;
  std::vector<double> through_activation_;  // of theta
  std::vector<double> through_step_;
  CodeGradient out_;
};

}  // namespace

bool needs_norms(const DictionaryRecipe& recipe) noexcept {
  return recipe.ranks_by_norm || recipe.sparsity.kind == SparsityKind::L1 ||
         recipe.sparsity.kind == SparsityKind::Tanh || recipe.pre_activation.among != Among::None;
}

std::vector<double> thresholds_of(const DictionaryRecipe& recipe, std::vector<double> parameter) {
  if (recipe.jump.parameter != ThresholdParameter::Raw) {
    for (double& x : parameter) {
      x = std::exp(x);
    }
  }
  return parameter;
}

std::vector<double> activations(const SparseEntries& entries, const CodeContext& context) {
  std::vector<double> out = entries.values;
  if (context.recipe->code == CodeKind::JumpRelu) {
    for (std::size_t e = 0; e < out.size(); ++e) {
      out[e] = out[e] > context.theta[entries.pattern.columns[e]] ? out[e] : 0.0;
    }
  }
  return out;
}

CodeGradient code_gradient(const SparseEntries& entries, std::span<const double> a,
                           std::span<const double> da, const CodeContext& context) {
  return CodeBackward(entries, a, da, context).run();
}

}  // namespace cajal
