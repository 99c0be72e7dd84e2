#include "train/dictionary/layout.h"

#include <cmath>

#include <fmt/format.h>

#include "ops/backend.h"

namespace cajal {
namespace {

bool has_threshold(const DictionaryRecipe& recipe) {
  return recipe.code == CodeKind::JumpRelu;
}

std::string threshold_name(const DictionaryRecipe& recipe) {
  return recipe.jump.parameter == ThresholdParameter::Raw ? "threshold" : "log_threshold";
}

/// Parts by the order of dictionary_parameters().
template <typename Ref, typename Block>
DictionaryViews<Ref> views(Block& block, const DictionaryShape& shape, std::size_t layer) {
  const std::size_t each = block.specs().size() / shape.layers;
  const std::size_t first = layer * each;
  DictionaryViews<Ref> out{.w_enc = block.at(first),
                           .w_dec = block.at(first + 1),
                           .b_enc = block.at(first + 2),
                           .b_dec = block.at(first + 3)};
  out.w_dec.rows = shape.features;
  out.w_dec.cols = out.w_dec.stride = shape.targets(layer) * shape.d_out;
  if (shape.skip) {
    out.w_skip = block.at(first + each - 1);
  }
  if (each == (shape.skip ? 6U : 5U)) {
    out.threshold = block.at(first + 4);
  }
  return out;
}

/// Entry (r, 0) for each row.
SparsePattern first_column(std::size_t rows) {
  SparsePattern out = diagonal(rows);
  out.cols = 1;
  std::ranges::fill(out.columns, 0U);
  return out;
}

}  // namespace

std::vector<ParameterSpec> dictionary_parameters(const DictionaryShape& shape,
                                                 const DictionaryRecipe& recipe) {
  std::vector<ParameterSpec> out;
  for (std::size_t layer = 0; layer < shape.layers; ++layer) {
    const auto add = [&](std::string name, std::vector<std::size_t> axes) {
      out.push_back({shape.layers == 1 ? std::move(name) : fmt::format("{}_{}", name, layer),
                     std::move(axes), false, FreshValue::Zero});
    };
    add("W_enc", {shape.features, shape.d_in});
    if (shape.layers == 1) {
      add("W_dec", {shape.features, shape.d_out});
    } else {
      add("W_dec", {shape.features, shape.targets(layer), shape.d_out});
    }
    add("b_enc", {shape.features});
    add("b_dec", {shape.d_out});
    if (has_threshold(recipe)) {
      add(threshold_name(recipe), {shape.features});
    }
    if (shape.skip) {
      add("W_skip", {shape.d_out, shape.d_in});
    }
  }
  return out;
}

DictionaryViews<MatRef> layer_of(Parameters& parameters, const DictionaryShape& shape,
                                 std::size_t layer) {
  return views<MatRef>(parameters, shape, layer);
}

DictionaryViews<ConstMatRef> layer_of(const Parameters& parameters, const DictionaryShape& shape,
                                      std::size_t layer) {
  return views<ConstMatRef>(parameters, shape, layer);
}

std::vector<double> doubles_of(ConstMatRef m) {
  std::vector<double> out(m.rows * m.cols);
  convert(m, {reinterpret_cast<std::byte*>(out.data()), m.rows, m.cols, m.cols, DType::F64});
  return out;
}

void store(std::span<const double> values, MatRef m) {
  check(values.size() == m.rows * m.cols, "{} values for [{}, {}]", values.size(), m.rows, m.cols);
  convert({reinterpret_cast<const std::byte*>(values.data()), m.rows, m.cols, m.cols, DType::F64},
          m);
}

std::vector<double> row_products(Backend& backend, ConstMatRef a, ConstMatRef b) {
  const SparsePattern each = diagonal(a.rows);
  std::vector<double> out(a.rows);
  ops::sparse_dots(backend, {.pattern = &each, .a = a, .table = b, .out = out});
  return out;
}

std::vector<double> row_norms(Backend& backend, ConstMatRef m) {
  std::vector<double> out = row_products(backend, m, m);
  for (double& x : out) {
    x = std::sqrt(x);
  }
  return out;
}

void scale_rows(Backend& backend, std::span<const double> factors, MatRef m) {
  const SparsePattern each = diagonal(m.rows);
  ops::sparse_product(backend, {.pattern = &each, .values = factors, .table = m, .out = m});
}

void add_rows(Backend& backend, std::span<const double> factors, ConstMatRef m, MatRef out) {
  const SparsePattern each = diagonal(m.rows);
  ops::sparse_product(
      backend,
      {.pattern = &each, .values = factors, .table = m, .out = out, .accumulate = Accumulate::Yes});
}

void add_to_rows(Backend& backend, double factor, ConstMatRef row, MatRef out) {
  const SparsePattern first = first_column(out.rows);
  const std::vector<double> factors(out.rows, factor);
  ops::sparse_product(backend, {.pattern = &first,
                                .values = factors,
                                .table = row,
                                .out = out,
                                .accumulate = Accumulate::Yes});
}

std::vector<double> column_sums(Backend& backend, ConstMatRef m) {
  Matrix sums = make_matrix(backend, 1, m.cols);
  store(std::vector<double>(m.cols, 0.0), sums.ref());
  ops::add_column_sums(backend, m, sums.ref());
  return doubles_of(sums.ref());
}

}  // namespace cajal
