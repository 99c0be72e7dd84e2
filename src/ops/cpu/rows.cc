#include <algorithm>

#include "ops/cpu/cpu_backend.h"
#include "ops/cpu/float_rows.h"
#include "ops/cpu/pieces.h"
#include "ops/cpu/row_kernels.h"

namespace cajal {
namespace {

using cpu::FloatRows;
using cpu::for_pieces;
using cpu::kChunk;
using cpu::map_pieces;

}  // namespace

void CpuBackend::normalize(const NormArgs& args) {
  Matrix storage;
  const FloatRows gains(cpu::offset_gain(args.gain, args.gain_offset, storage));
  const FloatRows biases(args.bias);
  const auto in = args.in.as<const float>();
  const bool rounds = args.out.dtype == DType::BF16;
  const std::size_t grain = std::max<std::size_t>(1, kChunk / 4 / (in.cols + 1));
  float* buffers = scratch_.floats(rounds ? in.cols * static_cast<std::size_t>(threads()) : 0);
  parallel_for(in.rows, grain, [&](std::size_t begin, std::size_t end) {
    float* buffer = rounds ? buffers + thread_index() * in.cols : nullptr;
    for (std::size_t r = begin; r < end; ++r) {
      const float* x = in.data + r * in.stride;
      float* y = rounds ? buffer : reinterpret_cast<float*>(cpu::place(args.out, r, 0));
      float* normalized = y;
      if (args.normalized) {
        normalized = args.normalized.as<float>().data + r * args.normalized.stride;
      }
      const cpu::Moments moments = cpu::moments(args.kind, x, in.cols, args.epsilon);
      cpu::standardize(moments, x, in.cols, normalized);
      cpu::gain_and_bias(normalized, gains.row(r), biases.row(0), in.cols, y);
      if (rounds) {
        cpu::round_to_bf16(y, in.cols, reinterpret_cast<BFloat16*>(cpu::place(args.out, r, 0)));
      }
    }
  });
}

void CpuBackend::activate(Activation kind, ConstMatRef in, MatRef out) {
  map_pieces<1, 1>({in}, {out}, [&](const auto& x, std::size_t count, const auto& y) {
    cpu::activate(kind, x[0], count, y[0]);
  });
}

void CpuBackend::activate_gated(Activation kind, ConstMatRef gate, ConstMatRef up, MatRef out) {
  map_pieces<2, 1>({gate, up}, {out}, [&](const auto& x, std::size_t count, const auto& y) {
    cpu::activate_gated(kind, x[0], x[1], count, y[0]);
  });
}

void CpuBackend::clamped_glu(ConstMatRef gate, ConstMatRef up, double alpha, double limit,
                             MatRef out) {
  map_pieces<2, 1>({gate, up}, {out}, [&](const auto& x, std::size_t count, const auto& y) {
    cpu::clamped_glu(x[0], x[1], count, static_cast<float>(alpha), static_cast<float>(limit), y[0]);
  });
}

void CpuBackend::rotate(const RotateArgs& args) {
  const FloatRows cosines(args.cos);
  const FloatRows sines(args.sin);
  const auto x = args.x.as<float>();
  const std::size_t pairs = args.cos.cols;
  const std::size_t grain = std::max<std::size_t>(1, kChunk / (x.cols + 1));
  parallel_for(x.rows, grain, [&](std::size_t begin, std::size_t end) {
    for (std::size_t r = begin; r < end; ++r) {
      float* row = x.data + r * x.stride;
      for (float* head = row; head != row + x.cols; head += args.d_head) {
        if (args.neighbours) {
          cpu::rotate_neighbours(head, cosines.row(r), sines.row(r), pairs, args.transposed);
        } else if (args.transposed) {  // backwards is the rotation with the two exchanged
          cpu::rotate_halves(head + pairs, head, cosines.row(r), sines.row(r), pairs);
        } else {
          cpu::rotate_halves(head, head + pairs, cosines.row(r), sines.row(r), pairs);
        }
      }
    }
  });
}

void CpuBackend::add_scaled(ConstMatRef a, ConstMatRef b, double factor, MatRef out) {
  map_pieces<2, 1>({a, b}, {out}, [&](const auto& x, std::size_t count, const auto& y) {
    cpu::add_scaled(x[0], x[1], count, static_cast<float>(factor), y[0]);
  });
}

void CpuBackend::scale(ConstMatRef in, double factor, MatRef out) {
  map_pieces<1, 1>({in}, {out}, [&](const auto& x, std::size_t count, const auto& y) {
    cpu::scale(x[0], count, static_cast<float>(factor), y[0]);
  });
}

void CpuBackend::soft_cap(ConstMatRef in, double cap, MatRef out) {
  map_pieces<1, 1>({in}, {out}, [&](const auto& x, std::size_t count, const auto& y) {
    cpu::soft_cap(x[0], count, static_cast<float>(cap), y[0]);
  });
}

void CpuBackend::clamp(ConstMatRef in, double limit, MatRef out) {
  map_pieces<1, 1>({in}, {out}, [&](const auto& x, std::size_t count, const auto& y) {
    cpu::clamp(x[0], count, static_cast<float>(limit), y[0]);
  });
}

void CpuBackend::gather(ConstMatRef table, std::span<const std::int32_t> rows, double factor,
                        MatRef out) {
  const auto y = out.as<float>();
  const std::size_t size = size_of(table.dtype);
  for_pieces(y.rows, y.cols, [&](std::size_t r, std::size_t begin, std::size_t count) {
    const auto from = static_cast<std::size_t>(rows[r]) * table.stride + begin;
    float* to = y.data + r * y.stride + begin;
    cpu::to_floats(table.dtype, table.data + from * size, count, to);
    if (factor != 1.0) {
      cpu::scale(to, count, static_cast<float>(factor), to);
    }
  });
}

void CpuBackend::scatter_add(ConstMatRef in, std::span<const std::int32_t> rows,
                             std::span<const double> factors, MatRef out) {
  const auto x = in.as<const float>();
  const auto y = out.as<float>();
  // Threads share the columns, not the rows: a row of `out` may be added to several times.
  parallel_for(y.cols, 64, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = 0; i < rows.size(); ++i) {
      float* to = y.data + static_cast<std::size_t>(rows[i]) * y.stride + begin;
      cpu::add_scaled(to, x.data + i * x.stride + begin, end - begin,
                      static_cast<float>(factors[i]), to);
    }
  });
}

}  // namespace cajal
