#include <algorithm>
#include <vector>

#include "base/parallel.h"
#include "ops/cpu/convert.h"
#include "ops/cpu/cpu_backend.h"
#include "ops/cpu/row_kernels.h"

namespace cajal {
namespace {

constexpr std::size_t kChunk = 16384;  // elements: below, a second thread costs more than it gives

/// Calls body(row, begin, count) for pieces of at most kChunk columns of every row, in parallel.
template <typename Body>
void for_pieces(std::size_t rows, std::size_t cols, const Body& body) {
  const std::size_t pieces = (cols + kChunk - 1) / kChunk;
  const std::size_t grain = cols == 0 ? 1 : std::max<std::size_t>(1, kChunk / cols);
  parallel_for(rows * pieces, grain, [&](std::size_t first, std::size_t last) {
    for (std::size_t i = first; i < last; ++i) {
      const std::size_t begin = i % pieces * kChunk;
      body(i / pieces, begin, std::min(kChunk, cols - begin));
    }
  });
}

template <typename F>
void map(ConstMatRef in, MatRef out, const F& f) {
  const auto x = in.as<const float>();
  const auto y = out.as<float>();
  for_pieces(x.rows, x.cols, [&](std::size_t r, std::size_t begin, std::size_t count) {
    f(x.data + r * x.stride + begin, count, y.data + r * y.stride + begin);
  });
}

template <typename F>
void map(ConstMatRef a, ConstMatRef b, MatRef out, const F& f) {
  const auto x = a.as<const float>();
  const auto y = b.as<const float>();
  const auto z = out.as<float>();
  for_pieces(x.rows, x.cols, [&](std::size_t r, std::size_t begin, std::size_t count) {
    f(x.data + r * x.stride + begin, y.data + r * y.stride + begin, count,
      z.data + r * z.stride + begin);
  });
}

/// Rows of `m`, a matrix of any float type, as f32: `m` itself where it is f32 already.
class FloatRows {
 public:
  explicit FloatRows(ConstMatRef m) {
    if (m && m.dtype == DType::F32) {
      view_ = m.as<const float>();
    } else if (m) {
      floats_.resize(m.rows * m.cols);
      for (std::size_t r = 0; r < m.rows; ++r) {
        cpu::to_floats(m.dtype, m.data + r * m.stride * size_of(m.dtype), m.cols,
                       floats_.data() + r * m.cols);
      }
      view_ = {floats_.data(), m.rows, m.cols, m.cols};
    }
  }
  /// Row r, or r % rows; nullptr if absent.
  const float* row(std::size_t r) const {
    return view_.data == nullptr ? nullptr : view_.data + r % view_.rows * view_.stride;
  }

 private:
  std::vector<float> floats_;
  MatrixView<const float> view_;
};

/// The gain with its offset added, as a matrix that `storage` holds if there is an offset.
ConstMatRef offset_gain(const NormArgs& args, Matrix& storage) {
  if (!args.gain || args.gain_offset == 0.0) {
    return args.gain;
  }
  storage = Matrix::host(args.gain.rows, args.gain.cols, DType::F32);
  convert(args.gain, storage.ref());
  const auto gain = storage.as<float>();
  const auto offset = static_cast<float>(args.gain_offset);
  for (std::size_t i = 0; i < gain.rows * gain.cols; ++i) {
    gain.data[i] += offset;
  }
  return storage.ref();
}

}  // namespace

void CpuBackend::normalize(const NormArgs& args) {
  Matrix storage;
  const FloatRows gains(offset_gain(args, storage));
  const FloatRows biases(args.bias);
  const auto in = args.in.as<const float>();
  const auto out = args.out.as<float>();
  const std::size_t grain = std::max<std::size_t>(1, kChunk / 4 / (in.cols + 1));
  parallel_for(in.rows, grain, [&](std::size_t begin, std::size_t end) {
    for (std::size_t r = begin; r < end; ++r) {
      const float* x = in.data + r * in.stride;
      float* y = out.data + r * out.stride;
      float* normalized = y;
      if (args.normalized) {
        normalized = args.normalized.as<float>().data + r * args.normalized.stride;
      }
      const cpu::Moments moments = cpu::moments(args.kind, x, in.cols, args.epsilon);
      cpu::standardize(moments, x, in.cols, normalized);
      cpu::gain_and_bias(normalized, gains.row(r), biases.row(0), in.cols, y);
    }
  });
}

void CpuBackend::activate(Activation kind, ConstMatRef in, MatRef out) {
  map(in, out,
      [&](const float* x, std::size_t count, float* y) { cpu::activate(kind, x, count, y); });
}

void CpuBackend::activate_gated(Activation kind, ConstMatRef gate, ConstMatRef up, MatRef out) {
  map(gate, up, out, [&](const float* g, const float* u, std::size_t count, float* y) {
    cpu::activate_gated(kind, g, u, count, y);
  });
}

void CpuBackend::clamped_glu(ConstMatRef gate, ConstMatRef up, double alpha, double limit,
                             MatRef out) {
  map(gate, up, out, [&](const float* g, const float* u, std::size_t count, float* y) {
    cpu::clamped_glu(g, u, count, static_cast<float>(alpha), static_cast<float>(limit), y);
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
          cpu::rotate_neighbours(head, cosines.row(r), sines.row(r), pairs);
        } else {
          cpu::rotate_halves(head, head + pairs, cosines.row(r), sines.row(r), pairs);
        }
      }
    }
  });
}

void CpuBackend::add_scaled(ConstMatRef a, ConstMatRef b, double factor, MatRef out) {
  map(a, b, out, [&](const float* x, const float* y, std::size_t count, float* z) {
    cpu::add_scaled(x, y, count, static_cast<float>(factor), z);
  });
}

void CpuBackend::scale(ConstMatRef in, double factor, MatRef out) {
  map(in, out, [&](const float* x, std::size_t count, float* y) {
    cpu::scale(x, count, static_cast<float>(factor), y);
  });
}

void CpuBackend::soft_cap(ConstMatRef in, double cap, MatRef out) {
  map(in, out, [&](const float* x, std::size_t count, float* y) {
    cpu::soft_cap(x, count, static_cast<float>(cap), y);
  });
}

void CpuBackend::clamp(ConstMatRef in, double limit, MatRef out) {
  map(in, out, [&](const float* x, std::size_t count, float* y) {
    cpu::clamp(x, count, static_cast<float>(limit), y);
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
  parallel_for(y.cols, 256, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = 0; i < rows.size(); ++i) {
      float* to = y.data + static_cast<std::size_t>(rows[i]) * y.stride + begin;
      cpu::add_scaled(to, x.data + i * x.stride + begin, end - begin,
                      static_cast<float>(factors[i]), to);
    }
  });
}

}  // namespace cajal
