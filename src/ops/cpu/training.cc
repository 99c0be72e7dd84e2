// The loss and the optimiser.
#include <cmath>
#include <numeric>
#include <vector>

#include "ops/cpu/cpu_backend.h"
#include "ops/cpu/pieces.h"
#include "ops/cpu/row_kernels.h"
#include "ops/cpu/training_kernels.h"

namespace cajal {
namespace {

float* floats_at(MatRef m, std::size_t row, std::size_t col) {
  return reinterpret_cast<float*>(cpu::place(m, row, col));
}
const float* floats_at(ConstMatRef m, std::size_t row, std::size_t col) {
  return reinterpret_cast<const float*>(cpu::place(m, row, col));
}

/// Row r of dlogits: `p`, weight * softmax already, less the weight at the target.
void write_gradient(const LossArgs& args, std::size_t r, std::size_t target, float* p) {
  p[target] -= static_cast<float>(args.weight);
  if (args.dlogits.dtype == DType::BF16) {
    cpu::round_to_bf16(p, args.logits.cols,
                       reinterpret_cast<BFloat16*>(cpu::place(args.dlogits, r, 0)));
  }
}

void clear_gradient(const LossArgs& args, std::size_t r) {
  if (args.dlogits) {
    std::memset(cpu::place(args.dlogits, r, 0), 0, args.logits.cols * size_of(args.dlogits.dtype));
  }
}

/// Row r, which counts; returns its -log p. `buffer`: [vocab].
double row_loss(const LossArgs& args, std::size_t r, float* buffer) {
  const float* x = floats_at(args.logits, r, 0);
  const std::size_t vocab = args.logits.cols;
  const auto target = static_cast<std::size_t>(args.targets[r]);
  const float right = x[target];
  const float largest = cpu::largest_of(x, vocab);
  if (!args.correct.empty()) {
    const bool first = right == largest && std::find(x, x + target, largest) == x + target;
    args.correct[r] = first ? 1 : 0;
  }
  const bool direct = args.dlogits && args.dlogits.dtype == DType::F32;
  float* p = direct ? floats_at(args.dlogits, r, 0) : buffer;
  const double sum = cpu::exponentials(x, largest, vocab, p);
  if (args.dlogits) {
    cpu::scale(p, vocab, static_cast<float>(args.weight / sum), p);
    write_gradient(args, r, target, p);
  }
  return std::log(sum) + (static_cast<double>(largest) - static_cast<double>(right));
}

/// Sums of f(begin, count) over chunks of `count` elements, in their order.
template <typename F>
double sum_chunks(std::size_t count, const F& f) {
  std::vector<double> sums((count + cpu::kChunk - 1) / cpu::kChunk);
  parallel_for(count, cpu::kChunk, [&](std::size_t begin, std::size_t end) {
    sums[begin / cpu::kChunk] = f(begin, end - begin);
  });
  return std::accumulate(sums.begin(), sums.end(), 0.0);
}

}  // namespace

double CpuBackend::cross_entropy(const LossArgs& args) {
  const std::size_t rows = args.logits.rows;
  const std::size_t vocab = args.logits.cols;
  float* buffers = scratch_.floats(vocab * static_cast<std::size_t>(threads()));
  std::vector<double> losses(rows, 0.0);
  const std::size_t grain = std::max<std::size_t>(1, cpu::kChunk / vocab);
  parallel_for(rows, grain, [&](std::size_t begin, std::size_t end) {
    for (std::size_t r = begin; r < end; ++r) {
      if (args.targets[r] >= 0) {
        losses[r] = row_loss(args, r, buffers + thread_index() * vocab);
      } else {
        clear_gradient(args, r);
      }
    }
  });
  for (std::size_t r = 0; r < rows; ++r) {
    if (!args.correct.empty() && args.targets[r] < 0) {
      args.correct[r] = 0;
    }
    if (!args.nll.empty()) {
      args.nll[r] = losses[r];
    }
  }
  return args.weight * std::accumulate(losses.begin(), losses.end(), 0.0);
}

void CpuBackend::adamw_step(const AdamWArgs& args) {
  const auto narrow = [](double x) { return static_cast<float>(x); };
  const cpu::AdamW step = {.clip = narrow(args.clip),
                           .decay = narrow(args.lr * args.decay),
                           .beta1 = narrow(args.beta1),
                           .rest1 = narrow(1 - args.beta1),
                           .beta2 = narrow(args.beta2),
                           .rest2 = narrow(1 - args.beta2),
                           .rate = narrow(args.lr / args.correction1),
                           .inverse = narrow(1 / std::sqrt(args.correction2)),
                           .epsilon = narrow(args.epsilon)};
  cpu::for_pieces(args.p.rows, args.p.cols, [&](std::size_t r, std::size_t c, std::size_t count) {
    float* p = floats_at(args.p, r, c);
    cpu::adamw_step(step, floats_at(args.g, r, c), count, p, floats_at(args.m, r, c),
                    floats_at(args.v, r, c));
    if (args.rounded) {
      cpu::round_to_bf16(p, count, reinterpret_cast<BFloat16*>(cpu::place(args.rounded, r, c)));
    }
  });
}

double CpuBackend::sum_of_squares(ConstMatRef in) {
  if (in.stride == in.cols || in.rows <= 1) {
    return sum_chunks(in.rows * in.cols, [&](std::size_t begin, std::size_t count) {
      return cpu::sum_of_squares(floats_at(in, 0, begin), count);
    });
  }
  double sum = 0;
  for (std::size_t r = 0; r < in.rows; ++r) {
    sum += sum_chunks(in.cols, [&](std::size_t begin, std::size_t count) {
      return cpu::sum_of_squares(floats_at(in, r, begin), count);
    });
  }
  return sum;
}

void CpuBackend::round_to_bf16(ConstMatRef in, MatRef out) {
  cpu::for_pieces(in.rows, in.cols, [&](std::size_t r, std::size_t c, std::size_t count) {
    cpu::round_to_bf16(floats_at(in, r, c), count,
                       reinterpret_cast<BFloat16*>(cpu::place(out, r, c)));
  });
}

}  // namespace cajal
