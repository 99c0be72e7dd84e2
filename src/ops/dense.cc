#include "ops/dense.h"

#include <array>

#include "ops/backend.h"
#include "ops/checks.h"

namespace cajal {
namespace {

constexpr std::array<std::string_view, 4> kPrecisions = {"f32", "bf16", "bf16x2", "bf16x3"};

}  // namespace

std::string_view name_of(Precision precision) noexcept {
  return kPrecisions[static_cast<std::size_t>(precision)];
}

Precision parse_precision(std::string_view name) {
  for (std::size_t i = 0; i < kPrecisions.size(); ++i) {
    if (kPrecisions[i] == name) {
      return static_cast<Precision>(i);
    }
  }
  fail(ErrorCode::InvalidArgument, "unknown precision '{}'; one of f32, bf16, bf16x2, bf16x3",
       name);
}

namespace ops {

namespace {

/// Whether there is anything to compute.
bool check_product(const Backend& backend, const GemmArgs& args) {
  check_stored(backend, args.a, "gemm: a");
  check_floats(backend, args.b, "gemm: b");
  check_stored(backend, args.out, "gemm: out");
  const bool ta = args.transpose_a == Transpose::Yes;
  const bool tb = args.transpose_b == Transpose::Yes;
  const std::size_t m = ta ? args.a.cols : args.a.rows;
  const std::size_t k = ta ? args.a.rows : args.a.cols;
  const std::size_t n = tb ? args.b.rows : args.b.cols;
  check((tb ? args.b.cols : args.b.rows) == k, "gemm: a{} is [{}, {}], b{} is [{}, {}]",
        ta ? " transposed" : "", m, k, tb ? " transposed" : "", tb ? args.b.cols : args.b.rows, n);
  check_shape(args.out, m, n, "gemm: out");
  if (args.bias) {
    check_floats(backend, args.bias, "gemm: bias");
    check_shape(args.bias, 1, n, "gemm: bias");
  }
  return m != 0 && n != 0;
}

}  // namespace

void gemm(Backend& backend, const GemmArgs& args) {
  if (check_product(backend, args)) {
    backend.gemm(args);
  }
}

void gemm_each(Backend& backend, std::span<const GemmArgs> products) {
  for (const GemmArgs& product : products) {
    check(check_product(backend, product), "gemm_each: a product without elements");
  }
  backend.gemm_each(products);
}

void linear(Backend& backend, ConstMatRef a, ConstMatRef weight, ConstMatRef bias, MatRef out,
            Precision precision) {
  gemm(backend, {.a = a,
                 .b = weight,
                 .bias = bias,
                 .out = out,
                 .transpose_b = Transpose::Yes,
                 .precision = precision});
}

}  // namespace ops
}  // namespace cajal
