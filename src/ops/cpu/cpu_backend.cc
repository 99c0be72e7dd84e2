#include "ops/cpu/cpu_backend.h"

#include "ops/cpu/convert.h"
#include "ops/cpu/few_rows.h"
#include "ops/cpu/isa.h"
#include "ops/cpu/matmul.h"
#include "ops/cpu/row_kernels.h"

namespace cajal {
namespace {

/// Where there is nothing to multiply.
void start_out(const GemmArgs& args, const float* bias) {
  const std::vector<float> zeros(args.out.cols, 0.0F);
  const auto out = args.out.as<float>();
  for (std::size_t r = 0; r < out.rows; ++r) {
    cpu::combine(zeros.data(), bias, out.cols, 1.0F, static_cast<float>(args.beta),
                 out.data + r * out.stride);
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
  } else if (cpu::suits_few_rows(args)) {
    cpu::multiply_few_rows(args, bias, scratch_);
  } else {
    many_rows_.multiply(args, bias);
  }
}

}  // namespace cajal
