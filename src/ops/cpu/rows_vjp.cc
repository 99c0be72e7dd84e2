#include "ops/cpu/chunk_sums.h"
#include "ops/cpu/cpu_backend.h"
#include "ops/cpu/float_rows.h"
#include "ops/cpu/pieces.h"
#include "ops/cpu/vjp_kernels.h"

namespace cajal {
namespace {

using cpu::map_pieces;

const float* floats_at(ConstMatRef m, std::size_t row) {
  return m ? reinterpret_cast<const float*>(cpu::place(m, row, 0)) : nullptr;
}
float* floats_at(MatRef m, std::size_t row) {
  return m ? reinterpret_cast<float*>(cpu::place(m, row, 0)) : nullptr;
}

/// Row r of a norm. `sums` holds the chunk's gradients of the gains, then of the bias; `buffer`
/// one row where only its rounded gradient is wanted.
cpu::NormRow norm_row(const NormVjpArgs& args, std::size_t r, float* sums, float* buffer) {
  const std::size_t cols = args.in.cols;
  const std::size_t gains = args.dgain ? args.dgain.rows : 0;
  float* dx = floats_at(args.dx, r);
  return {.in = floats_at(args.in, r),
          .dy = floats_at(args.dy, r),
          .add = floats_at(args.add, r),
          .dx = dx == nullptr && args.rounded_dx ? buffer : dx,
          .dgain = gains == 0 ? nullptr : sums + r % gains * cols,
          .dbias = args.dbias ? sums + gains * cols : nullptr,
          .count = cols,
          .kind = args.kind,
          .epsilon = args.epsilon,
          .frozen_scale = args.frozen_scale};
}

}  // namespace

void CpuBackend::normalize_vjp(const NormVjpArgs& args) {
  Matrix storage;
  const cpu::FloatRows gain(cpu::offset_gain(args.gain, args.gain_offset, storage));
  const std::size_t cols = args.in.cols;
  const std::size_t gains = args.dgain ? args.dgain.rows : 0;
  float* buffers = scratch_.floats(cols * static_cast<std::size_t>(threads()));
  const cpu::ChunkSums sums(args.in.rows, cols, (gains + 1) * cols, sums_);
  sums.run([&](std::size_t begin, std::size_t end, float* own) {
    for (std::size_t r = begin; r < end; ++r) {
      cpu::NormRow row = norm_row(args, r, own, buffers + thread_index() * cols);
      row.gain = gain.row(r);
      cpu::normalize_vjp(row);
      if (args.rounded_dx) {
        cpu::round_to_bf16(row.dx, cols,
                           reinterpret_cast<BFloat16*>(cpu::place(args.rounded_dx, r, 0)));
      }
    }
  });
  for (std::size_t g = 0; g < gains; ++g) {
    sums.add_to(floats_at(args.dgain, g), g * cols, cols);
  }
  if (args.dbias) {
    sums.add_to(floats_at(args.dbias, 0), gains * cols, cols);
  }
}

void CpuBackend::activate_vjp(Activation kind, ConstMatRef in, ConstMatRef dy, MatRef dx) {
  map_pieces<2, 1>({in, dy}, {dx}, [&](const auto& x, std::size_t count, const auto& y) {
    cpu::activate_vjp(kind, x[0], x[1], count, y[0]);
  });
}

void CpuBackend::activate_gated_vjp(Activation kind, ConstMatRef gate, ConstMatRef up,
                                    ConstMatRef dy, MatRef dgate, MatRef dup) {
  map_pieces<3, 2>({gate, up, dy}, {dgate, dup},
                   [&](const auto& x, std::size_t count, const auto& y) {
                     cpu::activate_gated_vjp(kind, x[0], x[1], x[2], count, y[0], y[1]);
                   });
}

void CpuBackend::clamped_glu_vjp(ConstMatRef gate, ConstMatRef up, double alpha, double limit,
                                 ConstMatRef dy, MatRef dgate, MatRef dup) {
  const cpu::ClampedGlu glu = {static_cast<float>(alpha), static_cast<float>(limit)};
  map_pieces<3, 2>({gate, up, dy}, {dgate, dup},
                   [&](const auto& x, std::size_t count, const auto& y) {
                     cpu::clamped_glu_vjp(glu, x[0], x[1], x[2], count, y[0], y[1]);
                   });
}

void CpuBackend::soft_cap_vjp(ConstMatRef out, double cap, ConstMatRef dy, MatRef dx) {
  map_pieces<2, 1>({out, dy}, {dx}, [&](const auto& x, std::size_t count, const auto& y) {
    cpu::soft_cap_vjp(x[0], x[1], count, static_cast<float>(cap), y[0]);
  });
}

void CpuBackend::clamp_vjp(ConstMatRef in, double limit, ConstMatRef dy, MatRef dx) {
  map_pieces<2, 1>({in, dy}, {dx}, [&](const auto& x, std::size_t count, const auto& y) {
    cpu::clamp_vjp(x[0], x[1], count, static_cast<float>(limit), y[0]);
  });
}

void CpuBackend::add_column_sums(ConstMatRef in, MatRef out) {
  const cpu::ChunkSums sums(in.rows, in.cols, in.cols, sums_);
  sums.run([&](std::size_t begin, std::size_t end, float* own) {
    std::array<float, cpu::kPiece> widened;
    for (std::size_t r = begin; r < end; ++r) {
      for (std::size_t c = 0; c < in.cols; c += cpu::kPiece) {
        const std::size_t count = std::min(cpu::kPiece, in.cols - c);
        cpu::add_scaled(own + c, cpu::widen_piece(in, r, c, count, widened.data()), count, 1.0F,
                        own + c);
      }
    }
  });
  sums.add_to(floats_at(out, 0), 0, in.cols);
}

}  // namespace cajal
