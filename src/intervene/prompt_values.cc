#include "intervene/prompt_values.h"

#include <array>

#include "base/error.h"
#include "tensor/host_matrix.h"

namespace cajal {
namespace {

template <typename From, typename To>
void add(MatrixView<const From> from, double factor, MatrixView<To> to) {
  for (std::size_t r = 0; r < to.rows; ++r) {
    for (std::size_t c = 0; c < to.cols; ++c) {
      to.at(r, c) = static_cast<To>(static_cast<double>(to.at(r, c)) +
                                    factor * static_cast<double>(from.at(r, c)));
    }
  }
}

template <typename To>
void add(ConstMatRef from, double factor, MatrixView<To> to) {
  if (from.dtype == DType::F64) {
    add(from.as<const double>(), factor, to);
  } else {
    add(from.as<const float>(), factor, to);
  }
}

}  // namespace

void add_scaled_rows(ConstMatRef from, double factor, MatRef to) {
  check(from.rows == to.rows && from.cols == to.cols, "rows of {} x {} added to {} x {}", from.rows,
        from.cols, to.rows, to.cols);
  if (from.dtype != DType::F32 && from.dtype != DType::F64) {
    Matrix wide = Matrix::host(from.rows, from.cols, DType::F32);
    convert(from, wide.ref());
    add_scaled_rows(wide.ref(), factor, to);
  } else if (to.dtype == DType::F64) {
    add(from, factor, to.as<double>());
  } else {
    add(from, factor, to.as<float>());
  }
}

PromptValues read_prompt(Backend& backend, const Model& model, std::span<const TokenId> tokens,
                         std::span<const Point> points, Precision precision) {
  PromptValues out;
  PointSet set;
  for (const Point point : points) {
    Matrix& into = out.at[point];
    set.read(point, [&into](ConstMatRef value, const PointContext&) { into = host_copy(value); });
  }
  KvCache cache(model.config(), backend, 1);
  const std::array<std::int32_t, 2> starts = {0, static_cast<std::int32_t>(tokens.size())};
  out.logits = model.forward(backend, {tokens, starts}, cache,
                             {.precision = precision, .logits = LogitRows::All, .points = &set});
  return out;
}

}  // namespace cajal
