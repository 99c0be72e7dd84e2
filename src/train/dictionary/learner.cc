#include "train/dictionary/learner.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include "train/adamw.h"
#include "train/dictionary/learning_step.h"

namespace cajal {
namespace {

/// Weiszfeld's iteration from the mean.
std::vector<double> geometric_median(Backend& backend, ConstMatRef x) {
  constexpr std::size_t kMostRounds = 100;
  constexpr double kClose = 1e-5;
  const std::vector<double> all = doubles_of(x);
  std::vector<double> median = column_sums(backend, x);
  for (double& value : median) {
    value /= static_cast<double>(x.rows);
  }
  for (std::size_t round = 0; round < kMostRounds; ++round) {
    std::vector<double> next(x.cols, 0.0);
    double weights = 0.0;
    for (std::size_t r = 0; r < x.rows; ++r) {
      double distance = 0.0;
      for (std::size_t c = 0; c < x.cols; ++c) {
        const double off = all[r * x.cols + c] - median[c];
        distance += off * off;
      }
      const double weight = 1.0 / std::max(std::sqrt(distance), 1e-30);
      weights += weight;
      for (std::size_t c = 0; c < x.cols; ++c) {
        next[c] += weight * all[r * x.cols + c];
      }
    }
    double moved = 0.0;
    for (std::size_t c = 0; c < x.cols; ++c) {
      next[c] /= weights;
      moved += (next[c] - median[c]) * (next[c] - median[c]);
    }
    median = next;
    if (std::sqrt(moved) < kClose) {
      break;
    }
  }
  return median;
}

}  // namespace

DictionaryLearner::DictionaryLearner(Backend& backend, const DictionaryShape& shape,
                                     const DictionaryRecipe& recipe, Parameters initial)
    : backend_(backend),
      shape_(shape),
      recipe_(recipe),
      values_(std::move(initial)),
      first_(values_.specs(), values_.dtype()),
      second_(values_.specs(), values_.dtype()),
      gradients_(values_.specs(), values_.dtype()),
      since_fired_(shape.layers * shape.features, 0),
      hints_(shape.layers, -std::numeric_limits<double>::infinity()) {
  check_recipe();
  if (recipe.average_rate != 0.0) {
    average_.emplace(values_.specs(), values_.dtype());
  }
  if (recipe.precision == Precision::BF16 && backend.activation_dtype() != DType::F64) {
    rounded_.emplace(values_.specs(), DType::BF16);
  }
  round();
}

void DictionaryLearner::check_recipe() const {
  const bool counts = recipe_.code == CodeKind::TopK || recipe_.code == CodeKind::BatchTopK ||
                      recipe_.code == CodeKind::GroupMax;
  check(!counts || (recipe_.k > 0.0 && recipe_.k <= static_cast<double>(shape_.features)),
        "k is {} for {} features; give a k between 1 and that", recipe_.k, shape_.features);
  check(!recipe_.subtracts_bias || shape_.d_in == shape_.d_out,
        "b_dec has {} columns and cannot be subtracted from an input of {}", shape_.d_out,
        shape_.d_in);
  check(!recipe_.decoder.frozen ||
            (recipe_.decoder.norms == RowNorms::Free && recipe_.adam.decay == 0.0),
        "a decoder that stays as it began has no norms to keep and no decay");
  check(recipe_.sparsity.pace == 0.0 || recipe_.sparsity.target > 0.0,
        "a penalty that adapts itself needs a number of features to aim at, not {}",
        recipe_.sparsity.target);
  check(recipe_.error.prefixes.empty() || recipe_.error.prefixes.back() == shape_.features,
        "the last prefix must be all {} features", shape_.features);
}

void DictionaryLearner::round() {
  if (rounded_) {
    ops::round_to_bf16(backend_, std::as_const(values_).all(), rounded_->all());
  }
}

void DictionaryLearner::restored(std::size_t steps, std::optional<double> estimate,
                                 const AdaptedPenalty& penalty) {
  t_ = steps;
  estimate_ = estimate;
  penalty_ = penalty;
  round();
}

void DictionaryLearner::start(const LearningBatch& batch) {
  for (std::size_t l = 0; l < shape_.layers; ++l) {
    const auto own = layer_of(values_, shape_, l);
    if (recipe_.start == Start::GeometricMedian) {
      store(geometric_median(backend_, batch.y[l]), own.b_dec);
    } else if (recipe_.start == Start::MeanTarget) {
      std::vector<double> mean = column_sums(backend_, batch.y[l]);
      std::ranges::for_each(mean, [&](double& x) { x /= static_cast<double>(batch.tokens()); });
      store(mean, own.b_dec);
      if (!recipe_.subtracts_bias) {
        Matrix input = make_matrix(backend_, 1, shape_.d_in);
        store(column_sums(backend_, batch.x[l]), input.ref());
        ops::gemm(backend_, {.a = std::as_const(input).ref(),
                             .b = own.w_enc,
                             .out = own.b_enc,
                             .transpose_b = Transpose::Yes,
                             .alpha = -1.0 / static_cast<double>(batch.tokens())});
      }
    }
  }
  round();
  if (recipe_.code == CodeKind::JumpRelu && recipe_.jump.calibrated) {
    set_thresholds(batch);
  }
}

void DictionaryLearner::set_thresholds(const LearningBatch& batch) {
  const auto count =
      static_cast<std::size_t>(recipe_.sparsity.target * static_cast<double>(batch.tokens()));
  LearningStep pass(*this, batch);  // what it reads of the weights is not what is set here
  for (std::size_t l = 0; l < shape_.layers; ++l) {
    const double lowest = pass.lowest_of(l, count);
    if (lowest > 0.0) {
      const bool raw = recipe_.jump.parameter == ThresholdParameter::Raw;
      store(std::vector<double>(shape_.features, raw ? lowest : std::log(lowest)),
            layer_of(values_, shape_, l).threshold);
    }
  }
  round();
}

void DictionaryLearner::normalize_rows() {
  for (std::size_t l = 0; l < shape_.layers; ++l) {
    const MatRef w_dec = layer_of(values_, shape_, l).w_dec;
    std::vector<double> factors = row_norms(backend_, w_dec);
    std::ranges::for_each(factors, [&](double& n) { n = 1.0 / (n + recipe_.decoder.epsilon); });
    scale_rows(backend_, factors, w_dec);
  }
}

void DictionaryLearner::project_gradient() {
  for (std::size_t l = 0; l < shape_.layers; ++l) {
    const ConstMatRef w_dec = layer_of(std::as_const(values_), shape_, l).w_dec;
    const MatRef gradient = layer_of(gradients_, shape_, l).w_dec;
    std::vector<double> factors = row_products(backend_, gradient, w_dec);
    const std::vector<double> norms = row_norms(backend_, w_dec);
    for (std::size_t i = 0; i < factors.size(); ++i) {
      const double n =
          recipe_.decoder.is_unit ? 1.0 : norms[i] + recipe_.decoder.projection_epsilon;
      factors[i] /= -n * n;
    }
    add_rows(backend_, factors, w_dec, gradient);
  }
}

/// Without a gradient Adam's moments stay 0, and so does what it adds.
void DictionaryLearner::forget_decoder_gradient() {
  for (std::size_t l = 0; l < shape_.layers; ++l) {
    const MatRef gradient = layer_of(gradients_, shape_, l).w_dec;
    ops::scale(backend_, gradient, 0.0, gradient);
  }
}

void DictionaryLearner::prepare() {
  if (recipe_.code == CodeKind::JumpRelu && recipe_.jump.clamped) {
    for (std::size_t l = 0; l < shape_.layers; ++l) {
      const MatRef threshold = layer_of(values_, shape_, l).threshold;
      std::vector<double> theta = doubles_of(threshold);
      std::ranges::for_each(theta, [](double& x) { x = std::max(x, 0.0); });
      store(theta, threshold);
    }
  }
  if (recipe_.decoder.norms == RowNorms::BeforeForward) {
    normalize_rows();
    round();
  }
}

LearnedStep DictionaryLearner::step(const LearningBatch& batch) {
  prepare();
  LearnedStep result{.step = t_ + 1, .learning_rate = recipe_.schedule.at(t_)};
  {
    LearningStep pass(*this, batch);
    pass.forward(result);
    pass.backward(result);
  }
  if (recipe_.decoder.norms == RowNorms::AfterBackward) {
    normalize_rows();
  }
  if (recipe_.decoder.projects) {
    project_gradient();
  }
  if (recipe_.decoder.frozen) {
    forget_decoder_gradient();
  }
  update(result);
  return result;
}

/// `l0` of all layers together.
void DictionaryLearner::adapt_penalty(double l0) {
  const SparsityOptions& o = recipe_.sparsity;
  constexpr double kTrend = 0.05;
  if (o.pace == 0.0) {
    return;
  }
  const double wanted = o.target * static_cast<double>(shape_.layers);
  const double log_l0 = std::log(std::max(l0, 1e-3 * wanted));
  double& usual = penalty_.usual_log_l0;
  usual = t_ == 0 ? log_l0 : usual + kTrend * (log_l0 - usual);
  // such an average lags behind a line by the line's slope times (1 - kTrend) / kTrend
  const double slope = (log_l0 - usual) * kTrend / (1.0 - kTrend);
  const double expected = log_l0 + o.horizon * slope - std::log(wanted);
  penalty_.factor *= std::exp(o.pace * std::clamp(expected, -1.0, 1.0));
}

void DictionaryLearner::update(LearnedStep& result) {
  result.gradient_norm = gradient_norm(backend_, gradients_);
  result.finite = std::isfinite(result.loss) && std::isfinite(result.gradient_norm);
  if (!result.finite) {
    return;
  }
  if (average_) {
    ops::scale(backend_, std::as_const(*average_).all(), 1.0 - recipe_.average_rate,
               average_->all());
    ops::add_scaled(backend_, std::as_const(*average_).all(), std::as_const(values_).all(),
                    recipe_.average_rate, average_->all());
  }
  adamw_step(backend_,
             {.values = &values_,
              .first = &first_,
              .second = &second_,
              .rounded = rounded_ ? &*rounded_ : nullptr},
             gradients_, result.gradient_norm, result.learning_rate, t_ + 1, recipe_.adam);
  if (recipe_.decoder.norms == RowNorms::AfterStep) {
    normalize_rows();
    round();
  }
  adapt_penalty(result.l0);
  ++t_;
}

std::vector<LayerFigures> DictionaryLearner::measure(const LearningBatch& batch) {
  return LearningStep(*this, batch).measure();
}

SparseEntries DictionaryLearner::encode(std::size_t layer, ConstMatRef x) {
  std::vector<ConstMatRef> inputs(shape_.layers, x);
  const LearningBatch batch{.x = inputs, .y = inputs};
  return LearningStep(*this, batch).encode(layer);
}

}  // namespace cajal
