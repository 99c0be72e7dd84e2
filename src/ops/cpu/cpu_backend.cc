#include "ops/cpu/cpu_backend.h"

#include <algorithm>

#include "ops/cpu/convert.h"
#include "ops/cpu/few_rows.h"
#include "ops/cpu/fitting.h"
#include "ops/cpu/isa.h"
#include "ops/cpu/matmul.h"

namespace cajal {
namespace {

/// Where there is nothing to multiply.
void start_out(const GemmArgs& args, const float* bias) {
  const std::vector<float> zeros(args.out.cols, 0.0F);
  for (std::size_t r = 0; r < args.out.rows; ++r) {
    cpu::combine_row(args, zeros.data(), bias, {r, 0, args.out.cols});
  }
}

}  // namespace

std::unique_ptr<Backend> make_cpu_backend() {
  limit_cpu_isa_by_environment();
  return std::make_unique<CpuBackend>();
}

void CpuBackend::copy(ConstMatRef from, MatRef to) {
  check(from.dtype == to.dtype, "copy: {} into {}", name_of(from.dtype), name_of(to.dtype));
  check(from.device == Device::Cpu && to.device == Device::Cpu,
        "copy: the backend 'cpu' reaches host memory only");
  convert(from, to);
}

bool CpuBackend::has(Precision precision) const noexcept {
  return precision == Precision::F32 || cpu::has_native_bf16();
}

void CpuBackend::gemm(const GemmArgs& args) {
  if (!has(args.precision)) {
    fail(ErrorCode::Unsupported, "this processor has no {} products; use f32",
         name_of(args.precision));
  }
  const float* bias = nullptr;
  if (args.bias) {
    float* floats = bias_.floats(args.bias.cols);
    cpu::to_floats(args.bias.dtype, args.bias.data, args.bias.cols, floats);
    bias = floats;
  }
  if (args.a.rows == 0 || args.a.cols == 0) {
    start_out(args, bias);
  } else if (cpu::suits_long_products(args)) {
    long_products_.multiply(args, bias);
  } else if (args.a.dtype == DType::BF16 || args.out.dtype == DType::BF16) {
    gemm_of_stored(args, bias);
  } else {
    gemm_of_floats(args, bias);
  }
}

void CpuBackend::gemm_each(std::span<const GemmArgs> products) {
  if (std::all_of(products.begin(), products.end(), cpu::is_plain)) {
    many_rows_.multiply_each(products);
  } else {
    Backend::gemm_each(products);
  }
}

void CpuBackend::gemm_of_floats(const GemmArgs& args, const float* bias) {
  if (cpu::suits_few_rows(args)) {
    cpu::multiply_few_rows(args, bias, scratch_);
  } else {
    many_rows_.multiply(args, bias);
  }
}

/// Products too small for more care: bf16 is widened, and the result rounded.
void CpuBackend::gemm_of_stored(const GemmArgs& args, const float* bias) {
  Matrix a;
  Matrix out;
  GemmArgs floats = args;
  if (args.a.dtype == DType::BF16) {
    a = Matrix::host(args.a.rows, args.a.cols, DType::F32);
    convert(args.a, a.ref());
    floats.a = a.ref();
  }
  if (args.out.dtype == DType::BF16) {
    out = Matrix::host(args.out.rows, args.out.cols, DType::F32);
    if (args.beta != 0) {
      convert(args.out, out.ref());
    }
    floats.out = out.ref();
  }
  gemm_of_floats(floats, bias);
  if (args.out.dtype == DType::BF16) {
    round_to_bf16(out.ref(), args.out);
  }
}

}  // namespace cajal
