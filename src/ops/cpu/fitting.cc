#include "ops/cpu/fitting.h"

#include <array>
#include <cstring>

#include "ops/cpu/pieces.h"
#include "ops/cpu/row_kernels.h"

namespace cajal::cpu {
namespace {

void convert_row(ConstMatRef m, std::size_t r, MatRef to) {
  std::array<float, kPiece> widened;
  for (std::size_t c = 0; c < m.cols; c += kPiece) {
    const std::size_t count = std::min(kPiece, m.cols - c);
    if (to.dtype == DType::F32) {
      to_floats(m.dtype, place(m, r, c), count, reinterpret_cast<float*>(place(to, r, c)));
    } else {
      round_to_bf16(widen_piece(m, r, c, count, widened.data()), count,
                    reinterpret_cast<BFloat16*>(place(to, r, c)));
    }
  }
}

}  // namespace

void convert_rows(ConstMatRef m, MatRef to) {
  for (std::size_t r = 0; r < m.rows; ++r) {
    if (m.dtype == to.dtype) {
      std::memcpy(place(to, r, 0), place(m, r, 0), m.cols * size_of(m.dtype));
    } else {
      convert_row(m, r, to);
    }
  }
}

ConstMatRef fitting(ConstMatRef m, DType dtype, std::byte* memory) {
  if (m.dtype == dtype) {
    return m;
  }
  const MatRef to = {memory, m.rows, m.cols, m.cols, dtype};
  convert_rows(m, to);
  return to;
}

ConstMatRef fitting(ConstMatRef m, DType dtype, Scratch& memory) {
  return fitting(m, dtype, memory.bytes(fitting_bytes(m, dtype, m.rows * m.cols)));
}

std::size_t fitting_bytes(ConstMatRef m, DType dtype, std::size_t elements) {
  return m.dtype == dtype ? 0 : round_up(elements * size_of(dtype), 64);
}

void combine_row(const GemmArgs& args, const float* product, const float* bias, OutRow at) {
  const auto alpha = static_cast<float>(args.alpha);
  const auto beta = static_cast<float>(args.beta);
  const float* own_bias = bias == nullptr ? nullptr : bias + at.begin;
  if (args.out.dtype == DType::F32) {
    combine(product, own_bias, at.count, alpha, beta,
            reinterpret_cast<float*>(place(args.out, at.row, at.begin)));
    return;
  }
  std::array<float, kPiece> result;
  for (std::size_t c = 0; c < at.count; c += kPiece) {
    const std::size_t count = std::min(kPiece, at.count - c);
    std::byte* to = place(args.out, at.row, at.begin + c);
    if (beta != 0.0F) {
      to_floats(DType::BF16, to, count, result.data());
    }
    combine(product + c, own_bias == nullptr ? nullptr : own_bias + c, count, alpha, beta,
            result.data());
    round_to_bf16(result.data(), count, reinterpret_cast<BFloat16*>(to));
  }
}

}  // namespace cajal::cpu
