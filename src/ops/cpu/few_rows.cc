#include "ops/cpu/few_rows.h"

#include <algorithm>
#include <array>

#include "base/parallel.h"
#include "ops/cpu/few_row_kernels.h"
#include "ops/cpu/row_kernels.h"

namespace cajal::cpu {
namespace {

constexpr std::size_t kColumns = 256;  // most columns of a block of outputs of kFewRows rows
constexpr std::size_t kChunks = 8;     // of a product, where each is large enough
constexpr std::size_t kChunkBytes = std::size_t{64} << 10U;  // large enough, of weights
constexpr std::size_t kSmallChunk = 32;                      // rows, of small weights
/// Columns of sums to be added: below, a second thread costs more than it gives.
constexpr std::size_t kAddedAtOnce = 1536;

using Block = std::array<float, kFewRows * kColumns>;

MatRef as_matrix(float* data, std::size_t rows, std::size_t cols) {
  return {reinterpret_cast<std::byte*>(data), rows, cols, cols, DType::F32};
}

/// out[:, begin ..] = alpha * products + bias + beta * out.
void finish(const GemmArgs& args, const float* bias, std::size_t begin, ConstMatRef products) {
  const auto from = products.as<const float>();
  const auto to = args.out.as<float>();
  for (std::size_t i = 0; i < from.rows; ++i) {
    combine(from.data + i * from.stride, bias == nullptr ? nullptr : bias + begin, from.cols,
            static_cast<float>(args.alpha), static_cast<float>(args.beta),
            to.data + i * to.stride + begin);
  }
}

/// Rows of each quarter of the weights that a chunk reads. Few large chunks: what is done once for
/// each, and sums that several of them add to, are then small beside the reading.
std::size_t rows_of_chunk(ConstMatRef weights) {
  const std::size_t quarter = weights.rows / kStreams;
  const std::size_t row_bytes = weights.cols * size_of(weights.dtype) + 1;
  const std::size_t least =
      std::clamp(kChunkBytes / row_bytes / kStreams, std::size_t{1}, kColumns / kStreams);
  return std::max(least, (quarter + kChunks - 1) / kChunks);
}

/// Weights stored one output per row. Memory gives more to somebody who reads in several places far
/// apart than in one: measured, 1.2 to 2 times as much when these are 8 MiB apart. So each thread
/// goes through the quarters of the matrix side by side.
void multiply_rows(const GemmArgs& args, const float* bias) {
  const std::size_t quarter = args.b.rows / kStreams;
  const std::size_t grain = std::min(rows_of_chunk(args.b), kColumns / kStreams);
  parallel_for(quarter, grain, [&](std::size_t begin, std::size_t end) {
    Block block;
    const std::size_t count = end - begin;
    const MatRef products = as_matrix(block.data(), args.a.rows, count * kStreams);
    dot_rows(args.a, args.b.row_range(begin, count), quarter, products);
    for (std::size_t s = 0; s < kStreams; ++s) {
      finish(args, bias, s * quarter + begin, products.col_range(s * count, count));
    }
  });
  const std::size_t rest = args.b.rows % kStreams;
  if (rest != 0) {
    Block block;
    const MatRef products = as_matrix(block.data(), args.a.rows, rest);
    dot_rows(args.a, args.b.row_range(args.b.rows - rest, rest), 0, products);
    finish(args, bias, args.b.rows - rest, products);
  }
}

/// What chunks of rows of the weights add to the result: [chunks * m, n], in scratch memory.
struct PartialSums {
  float* data = nullptr;
  std::size_t chunks = 0;
};

/// out[:, begin ..] from the sums of the chunks, added in their order.
void add_chunks(const GemmArgs& args, const float* bias, PartialSums sums, std::size_t begin,
                std::size_t count) {
  Block block;
  const std::size_t m = args.a.rows;
  const std::size_t n = args.b.cols;
  std::fill_n(block.data(), m * count, 0.0F);
  for (std::size_t chunk = 0; chunk < sums.chunks; ++chunk) {
    for (std::size_t i = 0; i < m; ++i) {
      float* total = block.data() + i * count;
      add_scaled(total, sums.data + (chunk * m + i) * n + begin, count, 1.0F, total);
    }
  }
  finish(args, bias, begin, as_matrix(block.data(), m, count));
}

/// Of kSmallChunk rows each.
PartialSums sum_small(const GemmArgs& args, Scratch& scratch) {
  const std::size_t k = args.b.rows;
  const std::size_t out = args.a.rows * args.b.cols;
  const std::size_t chunks = (k + kSmallChunk - 1) / kSmallChunk;
  float* const sums = scratch.floats(chunks * out);
  parallel_for(k, kSmallChunk, [&](std::size_t begin, std::size_t end) {
    sum_rows(args.a.col_range(begin, end - begin), args.b.row_range(begin, end - begin), 0,
             as_matrix(sums + begin / kSmallChunk * out, args.a.rows, args.b.cols));
  });
  return {sums, chunks};
}

/// Of rows of every quarter of the weights side by side, as in multiply_rows, so that memory is
/// read in order; what four do not divide comes last.
PartialSums sum_quarters(const GemmArgs& args, Scratch& scratch) {
  const std::size_t out = args.a.rows * args.b.cols;
  const std::size_t quarter = args.b.rows / kStreams;
  const std::size_t rest = args.b.rows % kStreams;
  const std::size_t grain = std::min(rows_of_chunk(args.b), kLongestChain / kStreams);
  const std::size_t chunks = (quarter + grain - 1) / grain;
  float* const sums = scratch.floats((chunks + 1) * out);
  const auto sum = [&](std::size_t begin, std::size_t count, std::size_t apart, float* to) {
    sum_rows(args.a.col_range(begin, args.a.cols - begin), args.b.row_range(begin, count), apart,
             as_matrix(to, args.a.rows, args.b.cols));
  };
  parallel_for(quarter, grain, [&](std::size_t begin, std::size_t end) {
    sum(begin, end - begin, quarter, sums + begin / grain * out);
  });
  if (rest != 0) {
    sum(args.b.rows - rest, rest, 0, sums + chunks * out);
  }
  return {sums, chunks + (rest != 0 ? 1 : 0)};
}

/// Weights stored one input per row: chunks of rows give their own sums over all columns, which are
/// then added in the order of the chunks. (Dividing the columns between threads instead leaves
/// nothing to add, but reads rows in parts: measured, up to 1.5 times as slow.) Small weights lie
/// in the cache: short chunks, which round less.
void multiply_columns(const GemmArgs& args, const float* bias, Scratch& scratch) {
  const std::size_t n = args.b.cols;
  const bool small = args.b.rows * n * size_of(args.b.dtype) <= 2 * kChunkBytes;
  const PartialSums sums = small ? sum_small(args, scratch) : sum_quarters(args, scratch);
  const std::size_t pieces =
      n <= kAddedAtOnce ? 1 : 2 * ((n + 2 * kAddedAtOnce - 1) / (2 * kAddedAtOnce));
  const std::size_t width = std::min((n + pieces - 1) / pieces, kFewRows * kColumns / args.a.rows);
  parallel_for(n, width, [&](std::size_t begin, std::size_t end) {
    add_chunks(args, bias, sums, begin, end - begin);
  });
}

}  // namespace

bool suits_few_rows(const GemmArgs& args) noexcept {
  if (args.transpose_a == Transpose::Yes || args.b.dtype == DType::F64) {
    return false;
  }
  // Measured: from here on oneDNN is faster, which has to convert weights of 16 bits first.
  std::size_t most = kFewRows;
  if (args.b.dtype == DType::F32) {
    most = args.transpose_b == Transpose::Yes ? 8 : 4;
  }
  return args.a.rows <= most;
}

void multiply_few_rows(const GemmArgs& args, const float* bias, Scratch& scratch) {
  if (args.transpose_b == Transpose::Yes) {
    multiply_rows(args, bias);
  } else {
    multiply_columns(args, bias, scratch);
  }
}

}  // namespace cajal::cpu
