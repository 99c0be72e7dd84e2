#include "dictionary/fold.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/parallel.h"

namespace cajal {
namespace {

constexpr std::size_t kRowGrain = 64;

/// A dictionary whose layers are being changed, with the memory that the changes take.
class Rework {
 public:
  explicit Rework(std::shared_ptr<const Dictionary> from)
      : layers(from->layers().begin(), from->layers().end()), info_(from->info()) {
    memory_->from = std::move(from);
  }

  std::vector<DictionaryLayer> layers;

  /// The matrix times factor(row, column), as F32.
  template <typename Factor>
  ConstMatRef times(ConstMatRef matrix, const Factor& factor) {
    Matrix out = Matrix::host(matrix.rows, matrix.cols, DType::F32);
    convert(matrix, out.ref());
    const auto view = out.as<float>();
    parallel_for(view.rows, kRowGrain, [&](std::size_t begin, std::size_t end) {
      for (std::size_t r = begin; r < end; ++r) {
        for (std::size_t c = 0; c < view.cols; ++c) {
          view.at(r, c) = static_cast<float>(static_cast<double>(view.at(r, c)) * factor(r, c));
        }
      }
    });
    memory_->made.push_back(std::move(out));
    return std::as_const(memory_->made.back()).ref();
  }
  /// What feature i reads times factors[i].
  void scale_encoder(DictionaryLayer& layer, std::span<const double> factors) {
    const bool by_feature = layer.w_enc.transposed == Transpose::No;
    layer.w_enc.matrix = times(layer.w_enc.matrix, [&](std::size_t r, std::size_t c) {
      return factors[by_feature ? r : c];
    });
    for (std::size_t i = 0; i < factors.size(); ++i) {
      layer.b_enc[i] = static_cast<float>(static_cast<double>(layer.b_enc[i]) * factors[i]);
    }
  }
  /// What feature i writes times factors[i].
  void scale_decoder(DictionaryLayer& layer, std::span<const double> factors) {
    layer.w_dec = times(layer.w_dec, [&](std::size_t r, std::size_t) { return factors[r]; });
  }

  std::shared_ptr<const Dictionary> build() {
    return std::make_shared<const Dictionary>(std::move(info_), std::move(layers), memory_);
  }

 private:
  struct Memory {
    std::shared_ptr<const Dictionary> from;
    std::vector<Matrix> made;
  };
  DictionaryInfo info_;
  std::shared_ptr<Memory> memory_ = std::make_shared<Memory>();
};

/// Of 0 it is 1: a feature of scale 0 never fires, and what it would write stays as it is.
std::vector<double> inverse(std::span<const double> values) {
  std::vector<double> out(values.size());
  std::transform(values.begin(), values.end(), out.begin(),
                 [](double x) { return x == 0.0 ? 1.0 : 1.0 / x; });
  return out;
}

void scale(std::vector<float>& values, std::span<const double> factors) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<float>(static_cast<double>(values[i]) * factors[i]);
  }
}

void scale(std::vector<float>& values, double factor) {
  for (float& value : values) {
    value = static_cast<float>(static_cast<double>(value) * factor);
  }
}

bool ranks(ActivationKind kind) {
  return kind == ActivationKind::TopK || kind == ActivationKind::AbsTopK ||
         kind == ActivationKind::BatchTopK || kind == ActivationKind::GroupMax;
}

/// Norms of decoder rows; 1 for rows of zeros.
std::vector<double> norms_or_one(ConstMatRef w_dec) {
  const std::vector<float> norms = decoder_norms(w_dec);
  std::vector<double> out(norms.begin(), norms.end());
  std::replace(out.begin(), out.end(), 0.0, 1.0);
  return out;
}

void fold_norms(Rework& work, DictionaryLayer& layer) {
  constexpr double kSame = 1e-4;
  const std::vector<double> norms = norms_or_one(layer.w_dec);
  const bool differs =
      std::any_of(norms.begin(), norms.end(), [](double n) { return std::abs(n - 1.0) > kSame; });
  check(!differs || !ranks(layer.activation.kind),
        "layer {}: {} ranks features by their activations, which would change if decoder rows were "
        "scaled to norm 1",
        layer.layer, name_of(layer.activation.kind));
  work.scale_decoder(layer, inverse(norms));
  work.scale_encoder(layer, norms);
  scale(layer.activation.threshold, norms);
  scale(layer.activation.magnitude_bias, norms);
}

/// b_enc -= W_enc * pre_bias.
void subtract_from_bias(const Dictionary& from, std::size_t index, DictionaryLayer& layer) {
  parallel_for(layer.features(), kRowGrain, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      const std::vector<float> row = from.encoder_row(index, i);
      auto sum = static_cast<double>(layer.b_enc[i]);
      for (std::size_t c = 0; c < row.size(); ++c) {
        sum -= static_cast<double>(row[c]) * static_cast<double>(layer.pre_bias[c]);
      }
      layer.b_enc[i] = static_cast<float>(sum);
    }
  });
}

}  // namespace

std::vector<float> decoder_norms(ConstMatRef w_dec) {
  std::vector<float> out(w_dec.rows);
  parallel_for(w_dec.rows, kRowGrain, [&](std::size_t begin, std::size_t end) {
    Matrix row = Matrix::host(1, w_dec.cols, DType::F64);
    for (std::size_t r = begin; r < end; ++r) {
      convert(w_dec.row_range(r, 1), row.ref());
      double squares = 0.0;
      for (const double x : row.as<double>().row(0)) {
        squares += x * x;
      }
      out[r] = static_cast<float>(std::sqrt(squares));
    }
  });
  return out;
}

std::shared_ptr<const Dictionary> fold_feature_scale(std::shared_ptr<const Dictionary> dictionary) {
  Rework work(std::move(dictionary));
  for (DictionaryLayer& layer : work.layers) {
    if (layer.feature_scale.empty()) {
      continue;
    }
    check(layer.activation.kind != ActivationKind::Gated,
          "layer {}: the scales of features of a gated dictionary cannot be folded", layer.layer);
    const std::vector<double> scales(layer.feature_scale.begin(), layer.feature_scale.end());
    work.scale_encoder(layer, scales);
    work.scale_decoder(layer, inverse(scales));
    layer.feature_scale.clear();
  }
  return work.build();
}

std::shared_ptr<const Dictionary> fold_decoder_norms(std::shared_ptr<const Dictionary> dictionary) {
  Rework work(fold_feature_scale(std::move(dictionary)));
  for (DictionaryLayer& layer : work.layers) {
    fold_norms(work, layer);
  }
  return work.build();
}

std::shared_ptr<const Dictionary> fold_input_scale(std::shared_ptr<const Dictionary> dictionary) {
  Rework work(std::move(dictionary));
  for (DictionaryLayer& layer : work.layers) {
    const double s = layer.input_scale;
    if (s == 1.0 || layer.scaling != InputScaling::None) {
      continue;
    }
    layer.w_enc.matrix =
        work.times(layer.w_enc.matrix, [s](std::size_t, std::size_t) { return s; });
    scale(layer.pre_bias, 1.0 / s);
    if (layer.undoes_scaling) {
      layer.w_dec = work.times(layer.w_dec, [s](std::size_t, std::size_t) { return 1.0 / s; });
      scale(layer.b_dec, 1.0 / s);
    }
    layer.input_scale = 1.0;
    layer.undoes_scaling = false;
  }
  return work.build();
}

std::shared_ptr<const Dictionary> fold_pre_bias(
    const std::shared_ptr<const Dictionary>& dictionary) {
  Rework work(dictionary);
  for (std::size_t l = 0; l < work.layers.size(); ++l) {
    DictionaryLayer& layer = work.layers[l];
    if (layer.pre_bias.empty()) {
      continue;
    }
    check(layer.activation.kind != ActivationKind::Gated,
          "layer {}: the bias of a gated dictionary's input cannot be folded", layer.layer);
    subtract_from_bias(*dictionary, l, layer);
    layer.pre_bias.clear();
  }
  return work.build();
}

std::shared_ptr<const Dictionary> as_jump_relu(std::shared_ptr<const Dictionary> dictionary,
                                               std::span<const float> thresholds) {
  Rework work(std::move(dictionary));
  check(thresholds.size() == work.layers.size(), "there are {} thresholds for {} layers",
        thresholds.size(), work.layers.size());
  for (std::size_t l = 0; l < work.layers.size(); ++l) {
    DictionaryLayer& layer = work.layers[l];
    if (layer.activation.kind == ActivationKind::TopK ||
        layer.activation.kind == ActivationKind::BatchTopK) {
      layer.activation = {.kind = ActivationKind::JumpRelu,
                          .keeps_negative = layer.activation.keeps_negative,
                          .threshold = std::vector<float>(layer.features(), thresholds[l])};
    }
  }
  return work.build();
}

}  // namespace cajal
