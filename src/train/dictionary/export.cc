#include "train/dictionary/export.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace cajal {
namespace {

/// What the views of a dictionary look at.
struct Folded {
  std::vector<Matrix> matrices;
};

std::vector<float> floats(std::span<const double> values) {
  std::vector<float> out(values.size());
  std::ranges::transform(values, out.begin(), [](double x) { return static_cast<float>(x); });
  return out;
}

class Folding {
 public:
  Folding(const DictionaryLearner& learner, std::size_t layer, std::span<const LayerScales> scales,
          const ExportOptions& options, Folded& folded)
      : backend_(learner.backend()),
        recipe_(learner.recipe()),
        own_(layer_of(learner.values(), learner.shape(), layer)),
        targets_(learner.shape().targets(layer)),
        scales_(scales),
        options_(options),
        folded_(folded) {}

  /// scales_[0] is the layer's own, the others those of the layers above that it writes to.
  DictionaryLayer run(ConstMatRef heldout) {
    DictionaryLayer out;
    out.w_dec = stored(decoder());
    out.w_enc.matrix = stored(encoder());
    out.b_enc = floats(bias());
    out.b_dec = divided(own_.b_dec, scales_[0].output);
    if (own_.w_skip) {
      Matrix skip = copy(own_.w_skip);
      ops::scale(backend_, std::as_const(skip).ref(), scales_[0].input / scales_[0].output,
                 skip.ref());
      out.w_skip.matrix = stored(skip);
    }
    out.activation = activation(out, heldout);
    return out;
  }

 private:
  Matrix copy(ConstMatRef m) const {
    Matrix out = make_matrix(backend_, m.rows, m.cols);
    backend_.copy(m, out.ref());
    return out;
  }

  std::vector<float> divided(ConstMatRef row, double by) const {
    std::vector<double> values = doubles_of(row);
    std::ranges::for_each(values, [&](double& x) { x /= by; });
    return floats(values);
  }

  /// In the dictionary's type, kept for it.
  ConstMatRef stored(const Matrix& m) {
    Matrix out = Matrix::host(m.rows(), m.cols(), options_.dtype);
    convert(m.ref(), out.ref());
    folded_.matrices.push_back(std::move(out));
    return std::as_const(folded_.matrices.back()).ref();
  }

  /// Rows over the scales of their targets, then of norm 1; sets norms_.
  Matrix decoder() {
    Matrix out = copy(own_.w_dec);
    for (std::size_t t = 0; t < targets_; ++t) {
      const MatRef part = out.ref().col_range(t * own_.b_dec.cols, own_.b_dec.cols);
      ops::scale(backend_, part, 1.0 / scales_[t].output, part);
    }
    norms_ = row_norms(backend_, std::as_const(out).ref());
    std::vector<double> factors(norms_.size());
    for (std::size_t i = 0; i < norms_.size(); ++i) {
      norms_[i] = norms_[i] > 0.0 ? norms_[i] : 1.0;
      factors[i] = 1.0 / norms_[i];
    }
    scale_rows(backend_, factors, out.ref());
    return out;
  }

  Matrix encoder() const {
    Matrix out = copy(own_.w_enc);
    std::vector<double> factors = norms_;
    std::ranges::for_each(factors, [&](double& x) { x *= scales_[0].input; });
    scale_rows(backend_, factors, out.ref());
    return out;
  }

  std::vector<double> bias() const {
    std::vector<double> out = doubles_of(own_.b_enc);
    if (recipe_.subtracts_bias) {
      Matrix product = make_matrix(backend_, 1, out.size());
      ops::linear(backend_, own_.b_dec, own_.w_enc, {}, product.ref());
      const std::vector<double> taken = doubles_of(product.ref());
      std::ranges::transform(out, taken, out.begin(), std::minus<>());
    }
    std::ranges::transform(out, norms_, out.begin(), std::multiplies<>());
    return out;
  }

  ActivationFunction activation(const DictionaryLayer& layer, ConstMatRef heldout) const {
    if (recipe_.code == CodeKind::Relu) {
      return {.kind = ActivationKind::Relu};
    }
    ActivationFunction out{.kind = ActivationKind::JumpRelu};
    if (recipe_.code == CodeKind::JumpRelu) {
      std::vector<double> theta = thresholds_of(recipe_, doubles_of(own_.threshold));
      std::ranges::transform(theta, norms_, theta.begin(),
                             [](double x, double n) { return std::max(x, 0.0) * n; });
      out.threshold = floats(theta);
      return out;
    }
    out.threshold = calibrated(layer, heldout);
    return out;
  }

  /// Ranks are activations as they are now, or per unit of norm.
  std::vector<float> calibrated(const DictionaryLayer& layer, ConstMatRef heldout) const {
    const std::vector<double> scales = rank_scales();
    const double cut = smallest_of(layer, heldout, scales);
    std::vector<float> out(norms_.size());
    for (std::size_t i = 0; i < out.size(); ++i) {
      const double scale = scales.empty() ? 1.0 : scales[i];
      out[i] = std::max(0.0F, std::nextafter(static_cast<float>(cut / scale), 0.0F));
    }
    return out;
  }

  std::vector<double> rank_scales() const {
    if (recipe_.ranks_by_norm) {
      return {};
    }
    std::vector<double> out = norms_;
    std::ranges::for_each(out, [](double& n) { n = 1.0 / n; });
    return out;
  }

  /// The lowest rank among the k a token highest, with the matrices as they are stored.
  double smallest_of(const DictionaryLayer& layer, ConstMatRef x,
                     std::span<const double> scales) const {
    constexpr std::size_t kBlock = 256;
    const std::size_t features = norms_.size();
    const auto count = static_cast<std::size_t>(recipe_.k * static_cast<double>(x.rows));
    Selection selection(backend_,
                        {.kind = SelectionKind::BatchTopK, .count = count, .scales = scales},
                        x.rows, features);
    Matrix bias = make_matrix(backend_, 1, features);
    store(std::vector<double>(layer.b_enc.begin(), layer.b_enc.end()), bias.ref());
    Matrix h = make_matrix(backend_, x.rows, std::min(kBlock, features));
    for (std::size_t begin = 0; begin < features; begin += kBlock) {
      const std::size_t width = std::min(kBlock, features - begin);
      const MatRef part = h.ref().col_range(0, width);
      ops::linear(backend_, x, layer.w_enc.matrix.row_range(begin, width),
                  std::as_const(bias).ref().col_range(begin, width), part);
      selection.add(part, begin);
    }
    const SparseEntries kept = selection.finish();
    double least = std::numeric_limits<double>::infinity();
    for (std::size_t e = 0; e < kept.values.size(); ++e) {
      least = std::min(least,
                       kept.values[e] * (scales.empty() ? 1.0 : scales[kept.pattern.columns[e]]));
    }
    return kept.values.size() < count || count == 0 ? 0.0 : least;
  }

  Backend& backend_;
  const DictionaryRecipe& recipe_;
  DictionaryViews<ConstMatRef> own_;
  std::size_t targets_;
  std::span<const LayerScales> scales_;
  const ExportOptions& options_;
  Folded& folded_;
  std::vector<double> norms_;
};

}  // namespace

std::shared_ptr<const Dictionary> exported(std::span<const DictionaryLearner* const> learners,
                                           std::span<const LayerScales> scales,
                                           std::span<const ConstMatRef> heldout,
                                           const ExportOptions& options) {
  auto folded = std::make_shared<Folded>();
  std::vector<DictionaryLayer> layers;
  for (const DictionaryLearner* learner : learners) {
    for (std::size_t l = 0; l < learner->shape().layers; ++l) {
      const std::size_t i = layers.size();
      DictionaryLayer layer =
          Folding(*learner, l, scales.subspan(i), options, *folded).run(heldout[i]);
      layer.layer = options.layers[i];
      layer.input_point = options.inputs[i];
      layer.output_point = options.outputs[i];
      layers.push_back(std::move(layer));
    }
  }
  return std::make_shared<const Dictionary>(DictionaryInfo{.kind = options.kind,
                                                           .name = "the dictionary being learned",
                                                           .format = "cajal",
                                                           .model_name = options.model_name,
                                                           .metadata = options.metadata},
                                            std::move(layers), folded);
}

}  // namespace cajal
