#include "dictionary/encode.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "base/parallel.h"
#include "dictionary/input_scaling.h"
#include "dictionary/selection.h"

namespace cajal {
namespace {

constexpr std::size_t kRowBlock = 1024;
constexpr std::size_t kFeatureBlock = 2048;  // 8 MiB of f32 pre-activations at a time
constexpr std::size_t kLeastFeatures = 256;  // of a block, however many tokens it has
constexpr std::size_t kTokenGrain = 16;

/// z = scaled(x) - pre_bias, in place.
template <typename T>
void scale_rows(const DictionaryLayer& layer, MatrixView<T> z) {
  parallel_for(z.rows, kTokenGrain, [&](std::size_t begin, std::size_t end) {
    for (std::size_t r = begin; r < end; ++r) {
      const auto row = z.row(r);
      const RowScaling scaling = scaling_of<T>(layer, row);
      for (std::size_t c = 0; c < row.size(); ++c) {
        const double scaled = (static_cast<double>(row[c]) - scaling.shift) * scaling.factor;
        const double bias = layer.pre_bias.empty() ? 0.0 : static_cast<double>(layer.pre_bias[c]);
        row[c] = static_cast<T>(scaled - bias);
      }
    }
  });
}

/// Lowers `first` to `at`, if that is lower.
void keep_lowest(std::atomic<std::size_t>& first, std::size_t at) {
  std::size_t known = first.load();
  while (at < known && !first.compare_exchange_weak(known, at)) {
  }
}

/// By the bits of exponents, which compilers vectorise.
template <typename T>
bool all_finite(std::span<const T> values) {
  using Bits = std::conditional_t<sizeof(T) == sizeof(std::uint32_t), std::uint32_t, std::uint64_t>;
  constexpr Bits kExponent = std::bit_cast<Bits>(std::numeric_limits<T>::infinity());
  Bits bad = 0;
  for (const T x : values) {
    bad |= (std::bit_cast<Bits>(x) & kExponent) == kExponent ? Bits{1} : Bits{0};
  }
  return bad == 0;
}

/// The first element that is not finite, by rows: row * cols + column. Nothing: SIZE_MAX.
template <typename T>
std::size_t first_not_finite(MatrixView<const T> m) {
  std::atomic<std::size_t> first{SIZE_MAX};
  parallel_for(m.rows, kTokenGrain, [&](std::size_t begin, std::size_t end) {
    for (std::size_t r = begin; r < end; ++r) {
      const std::span<const T> row = m.row(r);
      const auto bad = std::find_if(row.begin(), row.end(), [](T x) { return !std::isfinite(x); });
      if (bad != row.end()) {
        keep_lowest(first, r * m.cols + static_cast<std::size_t>(bad - row.begin()));
        return;
      }
    }
  });
  return first.load();
}

std::size_t first_not_finite(ConstMatRef m) {
  return m.dtype == DType::F64 ? first_not_finite(m.as<const double>())
                               : first_not_finite(m.as<const float>());
}

/// x as the encoder wants it, in the backend's activation type.
Matrix prepared(const Backend& backend, const Dictionary& dictionary, const DictionaryLayer& layer,
                ConstMatRef x) {
  Matrix z = Matrix::host(x.rows, x.cols, backend.activation_dtype());
  convert(x, z.ref());
  if (const std::size_t at = first_not_finite(std::as_const(z).ref()); at != SIZE_MAX) {
    fail(ErrorCode::InvalidArgument, "{}: column {} of row {} of layer {}'s input is not finite",
         dictionary.info().name, at % x.cols, at / x.cols, layer.layer);
  }
  if (z.dtype() == DType::F64) {
    scale_rows(layer, z.as<double>());
  } else {
    scale_rows(layer, z.as<float>());
  }
  return z;
}

template <typename T>
void scale_columns(MatrixView<T> h, std::span<const float> factors) {
  parallel_for(h.rows, kTokenGrain, [&](std::size_t begin, std::size_t end) {
    for (std::size_t r = begin; r < end; ++r) {
      for (std::size_t c = 0; c < h.cols; ++c) {
        h.at(r, c) *= static_cast<T>(factors[c]);
      }
    }
  });
}

ConstMatRef row_of(std::span<const float> values) {
  return {reinterpret_cast<const std::byte*>(values.data()), 1, values.size(), values.size()};
}

/// Pre-activations of some rows, one block of features after the other.
class Encoder {
 public:
  Encoder(Backend& backend, const Dictionary& dictionary, const DictionaryLayer& layer,
          Precision precision)
      : backend_(backend), dictionary_(dictionary), layer_(layer), precision_(precision) {}

  void run(ConstMatRef z, std::size_t first_row, FeatureSelection& selection) const {
    const std::size_t features = layer_.features();
    const std::size_t width =
        std::clamp(kRowBlock * kFeatureBlock / z.rows, kLeastFeatures, kFeatureBlock);
    Matrix h = make_matrix(backend_, z.rows, std::min(features, width));
    for (std::size_t begin = 0; begin < features; begin += width) {
      const std::size_t count = std::min(width, features - begin);
      const MatRef block = h.ref().col_range(0, count);
      multiply(z, begin, block);
      check_block(block, begin);
      selection.take(block, first_row, begin);
    }
  }

 private:
  void multiply(ConstMatRef z, std::size_t begin, MatRef block) const {
    const StoredMatrix& w = layer_.w_enc;
    const bool by_feature = w.transposed == Transpose::No;
    const bool biased = layer_.activation.kind != ActivationKind::Gated;
    const std::span<const float> b_enc = std::span(layer_.b_enc).subspan(begin, block.cols);
    ops::gemm(backend_, {.a = z,
                         .b = by_feature ? w.matrix.row_range(begin, block.cols)
                                         : w.matrix.col_range(begin, block.cols),
                         .bias = biased ? row_of(b_enc) : ConstMatRef{},
                         .out = block,
                         .transpose_b = by_feature ? Transpose::Yes : Transpose::No,
                         .precision = precision_});
    if (layer_.feature_scale.empty()) {
      return;
    }
    const std::span<const float> scale = std::span(layer_.feature_scale).subspan(begin, block.cols);
    if (block.dtype == DType::F64) {
      scale_columns(block.as<double>(), scale);
    } else {
      scale_columns(block.as<float>(), scale);
    }
  }

  void check_block(ConstMatRef block, std::size_t begin) const {
    if (const std::size_t at = first_not_finite(block); at != SIZE_MAX) {
      fail(ErrorCode::CorruptData,
           "{}: feature {} of layer {} has weights that are not finite or far too large",
           dictionary_.info().name, begin + at % block.cols, layer_.layer);
    }
  }

  Backend& backend_;
  const Dictionary& dictionary_;
  const DictionaryLayer& layer_;
  Precision precision_;
};

/// Selects nothing and keeps everything.
class KeepPreactivations final : public FeatureSelection {
 public:
  explicit KeepPreactivations(MatRef into) : into_(into) {}
  void take(MatRef h, std::size_t first_row, std::size_t first_feature) override {
    convert(h, into_.row_range(first_row, h.rows).col_range(first_feature, h.cols));
  }
  SparseRows finish() override { return {}; }

 private:
  MatRef into_;
};

void run_encoder(Backend& backend, const Dictionary& dictionary, std::size_t index, ConstMatRef x,
                 Precision precision, FeatureSelection& selection) {
  const DictionaryLayer& layer = dictionary.layers()[index];
  const Encoder encoder(backend, dictionary, layer, precision);
  const std::size_t rows = chooses_among_tokens(layer.activation) ? x.rows : kRowBlock;
  for (std::size_t begin = 0; begin < x.rows; begin += rows) {
    const Matrix z =
        prepared(backend, dictionary, layer, x.row_range(begin, std::min(rows, x.rows - begin)));
    encoder.run(z.ref(), begin, selection);
  }
}

void check_input(const Dictionary& dictionary, std::size_t index, ConstMatRef x) {
  check(index < dictionary.layers().size(), "{}: there are {} layers", dictionary.info().name,
        dictionary.layers().size());
  const DictionaryLayer& layer = dictionary.layers()[index];
  check(x.cols == layer.d_in(), "{}: layer {} reads {} numbers a token, but was given {}",
        dictionary.info().name, layer.layer, layer.d_in(), x.cols);
}

}  // namespace

SparseRows encode(Backend& backend, const Dictionary& dictionary, std::size_t index, ConstMatRef x,
                  Precision precision) {
  check_input(dictionary, index, x);
  const DictionaryLayer& layer = dictionary.layers()[index];
  const auto selection =
      make_selection(backend, layer.activation, layer.b_enc, x.rows, layer.features());
  run_encoder(backend, dictionary, index, x, precision, *selection);
  return selection->finish();
}

Matrix preactivations(Backend& backend, const Dictionary& dictionary, std::size_t index,
                      ConstMatRef x, Precision precision) {
  check_input(dictionary, index, x);
  Matrix out = make_matrix(backend, x.rows, dictionary.layers()[index].features());
  KeepPreactivations selection(out.ref());
  run_encoder(backend, dictionary, index, x, precision, selection);
  return out;
}

}  // namespace cajal
