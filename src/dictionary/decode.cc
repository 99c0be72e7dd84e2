#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/parallel.h"
#include "dictionary/encode.h"
#include "dictionary/input_scaling.h"
#include "ops/backend.h"

namespace cajal {
namespace {

constexpr std::size_t kOutputGrain = 4;

/// Entries as sparse products take them: of a layer's features that fired, and how much of each is
/// written.
SparseEntries written(const DictionaryLayer& from, const SparseRows& codes) {
  SparseEntries out{
      .pattern = {.cols = codes.cols, .starts = codes.starts, .columns = codes.columns},
      .values = {codes.values.begin(), codes.values.end()}};
  if (!from.feature_scale.empty()) {
    for (std::size_t i = 0; i < out.values.size(); ++i) {
      out.values[i] /= static_cast<double>(from.feature_scale[out.pattern.columns[i]]);
    }
  }
  return out;
}

/// The rows of `table` that the pattern names, in the backend's type, and the pattern with their
/// numbers in place of those in `table`.
Matrix gathered(const Backend& backend, ConstMatRef table, SparsePattern& pattern) {
  std::vector<std::uint32_t> used = pattern.columns;
  std::sort(used.begin(), used.end());
  used.erase(std::unique(used.begin(), used.end()), used.end());
  Matrix out = Matrix::host(used.size(), table.cols, backend.activation_dtype());
  for (std::size_t i = 0; i < used.size(); ++i) {
    convert(table.row_range(used[i], 1), out.ref().row_range(i, 1));
  }
  for (std::uint32_t& column : pattern.columns) {
    column = static_cast<std::uint32_t>(std::lower_bound(used.begin(), used.end(), column) -
                                        used.begin());
  }
  pattern.cols = used.size();
  return out;
}

/// out += what the features of one layer write to the target.
void add_features(Backend& backend, ConstMatRef table, SparseEntries entries, MatRef out) {
  Matrix rows;
  // Types that sparse products do not know are few: f16 of some published files.
  const bool known = table.dtype == DType::F32 || table.dtype == DType::BF16;
  if (!known) {
    rows = gathered(backend, table, entries.pattern);
    table = std::as_const(rows).ref();
  }
  ops::sparse_product(backend, {.pattern = &entries.pattern,
                                .values = entries.values,
                                .table = table,
                                .out = out,
                                .accumulate = Accumulate::Yes});
}

template <typename T>
void fill_rows(std::span<const float> row, MatrixView<T> out) {
  for (std::size_t r = 0; r < out.rows; ++r) {
    std::transform(row.begin(), row.end(), out.row(r).begin(),
                   [](float x) { return static_cast<T>(x); });
  }
}

template <typename T>
void undo_scaling(const DictionaryLayer& layer, MatrixView<const T> x, MatrixView<T> out) {
  parallel_for(out.rows, kOutputGrain, [&](std::size_t begin, std::size_t end) {
    for (std::size_t r = begin; r < end; ++r) {
      const RowScaling scaling = scaling_of<T>(layer, x.row(r));
      for (T& value : out.row(r)) {
        value = static_cast<T>(static_cast<double>(value) * scaling.back + scaling.shift);
      }
    }
  });
}

/// One target's reconstruction but for the skip.
template <typename T>
void decode_features(Backend& backend, const Dictionary& dictionary, std::size_t target,
                     std::span<const SparseRows> codes, ConstMatRef x, MatRef out) {
  const DictionaryLayer& layer = dictionary.layers()[target];
  fill_rows<T>(layer.b_dec, out.as<T>());
  const auto [begin, end] = dictionary.sources_of(target);
  for (std::size_t source = begin; source < end; ++source) {
    const DictionaryLayer& from = dictionary.layers()[source];
    add_features(backend, from.w_dec.col_range((target - source) * out.cols, out.cols),
                 written(from, codes[source]), out);
  }
  if (layer.undoes_scaling) {
    undo_scaling<T>(layer, x.as<const T>(), out.as<T>());
  }
}

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
    decode_features<double>(backend, dictionary, target, codes, in, out);
  } else {
    decode_features<float>(backend, dictionary, target, codes, in, out);
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
