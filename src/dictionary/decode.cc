#include <array>

#include "base/error.h"
#include "base/parallel.h"
#include "dictionary/encode.h"
#include "dictionary/input_scaling.h"

namespace cajal {
namespace {

constexpr std::size_t kRowGrain = 4;

double widened(double x) {
  return x;
}
float widened(float x) {
  return x;
}
float widened(BFloat16 x) {
  return widen(x);
}
float widened(Float16 x) {
  return widen(x);
}

/// out += factor * row.
template <typename T>
void add_row(ConstMatRef row, T factor, std::span<T> out) {
  const auto add = [&]<typename W>() {
    const auto* w = reinterpret_cast<const W*>(row.data);
    for (std::size_t c = 0; c < out.size(); ++c) {
      out[c] += factor * static_cast<T>(widened(w[c]));
    }
  };
  switch (row.dtype) {
    case DType::BF16:
      return add.template operator()<BFloat16>();
    case DType::F16:
      return add.template operator()<Float16>();
    case DType::F64:
      return add.template operator()<double>();
    default:
      return add.template operator()<float>();
  }
}

/// One target's reconstruction of rows that share nothing.
template <typename T>
class Decoder {
 public:
  Decoder(const Dictionary& dictionary, std::size_t target, std::span<const SparseRows> codes,
          ConstMatRef x)
      : dictionary_(dictionary), target_(target), codes_(codes), x_(x) {}

  void run(MatrixView<T> out) const {
    parallel_for(out.rows, kRowGrain, [&](std::size_t begin, std::size_t end) {
      for (std::size_t r = begin; r < end; ++r) {
        start(out.row(r));
        add_features(r, out.row(r));
        undo_scaling(r, out.row(r));
      }
    });
  }

 private:
  const DictionaryLayer& layer() const { return dictionary_.layers()[target_]; }

  void start(std::span<T> out) const {
    for (std::size_t c = 0; c < out.size(); ++c) {
      out[c] = static_cast<T>(layer().b_dec[c]);
    }
  }
  void add_features(std::size_t r, std::span<T> out) const {
    const auto [begin, end] = dictionary_.sources_of(target_);
    for (std::size_t source = begin; source < end; ++source) {
      const DictionaryLayer& from = dictionary_.layers()[source];
      const ConstMatRef w = from.w_dec.col_range((target_ - source) * out.size(), out.size());
      const SparseRows::Row row = codes_[source].row(r);
      for (std::size_t i = 0; i < row.size(); ++i) {
        const std::size_t feature = row.columns[i];
        const T value = static_cast<T>(row.values[i]);
        add_row(w.row_range(feature, 1),
                from.feature_scale.empty() ? value
                                           : value / static_cast<T>(from.feature_scale[feature]),
                out);
      }
    }
  }
  void undo_scaling(std::size_t r, std::span<T> out) const {
    if (!layer().undoes_scaling) {
      return;
    }
    const RowScaling scaling = scaling_of<T>(layer(), x_.as<const T>().row(r));
    for (T& value : out) {
      value = static_cast<T>(static_cast<double>(value) * scaling.back + scaling.shift);
    }
  }

  const Dictionary& dictionary_;
  std::size_t target_;
  std::span<const SparseRows> codes_;
  ConstMatRef x_;
};

void check_codes(const Dictionary& dictionary, std::size_t target,
                 std::span<const SparseRows> codes, std::size_t rows) {
  const auto [begin, end] = dictionary.sources_of(target);
  check(codes.size() >= end, "{}: decoding layer {} needs the features of {} layers, not {}",
        dictionary.info().name, target, end, codes.size());
  for (std::size_t i = begin; i < end; ++i) {
    check(codes[i].rows() == rows && codes[i].cols == dictionary.layers()[i].features(),
          "{}: the features of layer {} are [{}, {}], but should be [{}, {}]",
          dictionary.info().name, dictionary.layers()[i].layer, codes[i].rows(), codes[i].cols,
          rows, dictionary.layers()[i].features());
  }
}

void check_shapes(const Dictionary& dictionary, const DictionaryLayer& layer, ConstMatRef x,
                  ConstMatRef out) {
  check(out.cols == layer.d_out(),
        "{}: layer {} writes {} numbers a token, but there is room for {}", dictionary.info().name,
        layer.layer, layer.d_out(), out.cols);
  check(!needs_input(layer) || (x.rows == out.rows && x.cols == layer.d_in()),
        "{}: decoding layer {} needs its input, [{}, {}], but was given [{}, {}]",
        dictionary.info().name, layer.layer, out.rows, layer.d_in(), x.rows, x.cols);
}

}  // namespace

double decoder_factor(const Dictionary& dictionary, std::size_t source, std::size_t feature,
                      std::size_t target, ConstMatRef x) {
  const DictionaryLayer& from = dictionary.layers()[source];
  const DictionaryLayer& to = dictionary.layers()[target];
  double out =
      from.feature_scale.empty() ? 1.0 : 1.0 / static_cast<double>(from.feature_scale[feature]);
  if (to.undoes_scaling && to.scaling == InputScaling::None) {
    out /= to.input_scale;
  } else if (to.undoes_scaling) {
    out *= x.dtype == DType::F64 ? scaling_of<double>(to, x.as<const double>().row(0)).back
                                 : scaling_of<float>(to, x.as<const float>().row(0)).back;
  }
  return out;
}

bool needs_input(const DictionaryLayer& layer) noexcept {
  return layer.undoes_scaling || layer.w_skip;
}

void decode(Backend& backend, const Dictionary& dictionary, std::size_t target,
            std::span<const SparseRows> codes, ConstMatRef x, MatRef out) {
  check(target < dictionary.layers().size(), "{}: there are {} layers", dictionary.info().name,
        dictionary.layers().size());
  const DictionaryLayer& layer = dictionary.layers()[target];
  check_shapes(dictionary, layer, x, out);
  check_codes(dictionary, target, codes, out.rows);
  Matrix input;  // in the backend's type
  if (needs_input(layer)) {
    input = Matrix::host(x.rows, x.cols, backend.activation_dtype());
    convert(x, input.ref());
  }
  const ConstMatRef in = std::as_const(input).ref();
  if (out.dtype == DType::F64) {
    Decoder<double>(dictionary, target, codes, in).run(out.as<double>());
  } else {
    Decoder<float>(dictionary, target, codes, in).run(out.as<float>());
  }
  if (layer.w_skip) {
    const bool plain = layer.w_skip.transposed == Transpose::No;
    ops::gemm(backend, {.a = in,
                        .b = layer.w_skip.matrix,
                        .out = out,
                        .transpose_b = plain ? Transpose::Yes : Transpose::No,
                        .beta = 1.0});
  }
}

}  // namespace cajal
