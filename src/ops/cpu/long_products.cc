#include "ops/cpu/long_products.h"

#include <array>

#include "base/parallel.h"
#include "ops/cpu/pieces.h"
#include "ops/cpu/row_kernels.h"

namespace cajal::cpu {
namespace {

constexpr std::size_t kMostWeights = std::size_t{1} << 22U;  // elements: beyond, ManyRows
constexpr std::size_t kLeastRows = 512;
constexpr std::size_t kUnit = 64;        // columns: what oneDNN's kernels take at once
constexpr std::size_t kMostCols = 1024;  // of weights in one product
constexpr std::size_t kMostSums = 768;   // rows of a gradient in one product
constexpr std::size_t kPartRows = 2048;  // of activations that one part of a gradient sums over
constexpr std::size_t kMostParts = 16;
constexpr std::size_t kBlockBytes = std::size_t{768} << 10U;  // of converted rows: they stay in a
                                                              // cache

/// [0, count) cut into even ranges of at most `most`, in whole units but for the last.
struct Cuts {
  Cuts(std::size_t length, std::size_t most) : count(length) {
    const std::size_t pieces = (length + most - 1) / most;
    each = round_up((length + pieces - 1) / pieces, kUnit);
    size = (length + each - 1) / each;
  }
  std::size_t begin(std::size_t i) const { return i * each; }
  std::size_t length(std::size_t i) const { return std::min(each, count - i * each); }

  std::size_t count;
  std::size_t each = 0;
  std::size_t size = 0;  // how many ranges
};

DType type_of(const GemmArgs& args) {
  return args.precision == Precision::BF16 ? DType::BF16 : DType::F32;
}

/// Products land in `out` itself.
bool is_direct(const GemmArgs& args, const float* bias) {
  const bool rounds = args.out.dtype == DType::BF16;
  return bias == nullptr && args.alpha == 1.0 &&
         (args.beta == 0.0 || (args.beta == 1.0 && !rounds)) &&
         (!rounds || type_of(args) == DType::BF16);
}

/// All of `m` in another type, into memory that holds it densely.
ConstMatRef convert_rows(ConstMatRef m, DType dtype, std::byte* memory) {
  const MatRef to = {memory, m.rows, m.cols, m.cols, dtype};
  for (std::size_t r = 0; r < m.rows; ++r) {
    for (std::size_t c = 0; c < m.cols; c += kPiece) {
      const std::size_t count = std::min(kPiece, m.cols - c);
      if (dtype == DType::F32) {
        to_floats(m.dtype, place(m, r, c), count, reinterpret_cast<float*>(place(to, r, c)));
      } else {
        std::array<float, kPiece> widened;
        round_to_bf16(widen_piece(m, r, c, count, widened.data()), count,
                      reinterpret_cast<BFloat16*>(place(to, r, c)));
      }
    }
  }
  return to;
}

/// `m` as it is if its type fits, else converted into `memory`.
ConstMatRef fitting(ConstMatRef m, DType dtype, std::byte* memory) {
  return m.dtype == dtype ? m : convert_rows(m, dtype, memory);
}

/// Bytes that fitting() needs.
std::size_t fitting_bytes(ConstMatRef m, DType dtype, std::size_t elements) {
  return m.dtype == dtype ? 0 : round_up(elements * size_of(dtype), 64);
}

}  // namespace

bool suits_long_products(const GemmArgs& args) noexcept {
  if (args.precision != Precision::F32 && args.precision != Precision::BF16) {
    return false;
  }
  if (args.a.rows < kLeastRows) {
    return false;
  }
  return args.transpose_a == Transpose::No
             ? args.b.rows * args.b.cols <= kMostWeights
             : args.transpose_b == Transpose::No && args.a.cols * args.b.cols <= 2 * kMostWeights;
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

void LongProducts::multiply(const GemmArgs& args, const float* bias) {
  if (args.transpose_a == Transpose::No) {
    multiply_rows(args, bias);
  } else {
    sum_over_rows(args, bias);
  }
}

void LongProducts::multiply_rows(const GemmArgs& args, const float* bias) {
  const DType type = type_of(args);
  const bool direct = is_direct(args, bias);
  const std::size_t m = args.a.rows;
  const std::size_t k = args.a.cols;
  const Cuts cols(args.out.cols, kMostCols);
  const std::size_t grain = m >= 4096 ? 256 : 128;
  const std::size_t rest = m % grain == 0 ? grain : m % grain;
  const ConstMatRef b =
      fitting(args.b, type, shared_.bytes(fitting_bytes(args.b, type, args.b.rows * args.b.cols)));
  const bool transposed = args.transpose_b == Transpose::Yes;
  const auto shape = [&](std::size_t rows, std::size_t block) {
    return MatmulShape{.m = rows,
                       .k = k,
                       .n = cols.length(block),
                       .lda = args.a.dtype == type ? args.a.stride : k,
                       .ldb = b.stride,
                       .ldc = direct ? args.out.stride : cols.length(block),
                       .bf16 = type == DType::BF16,
                       .bf16_out = direct && args.out.dtype == DType::BF16,
                       .transpose_b = transposed,
                       .accumulate = direct && args.beta == 1.0};
  };
  std::map<MatmulShape, std::shared_ptr<const Matmul>> prepared;
  std::size_t own = 0;
  for (const std::size_t rows : {grain, rest}) {
    for (std::size_t block = 0; block < cols.size && rows <= m; ++block) {
      const auto matmul = matmuls_.get(shape(rows, block));
      own = std::max(own, round_up(matmul->scratch_bytes(), 64));
      prepared.emplace(shape(rows, block), matmul);
    }
  }
  const std::size_t a_bytes = fitting_bytes(args.a, type, grain * k);
  const std::size_t out_bytes = direct ? 0 : round_up(grain * cols.each * sizeof(float), 64);
  const std::size_t each = own + a_bytes + out_bytes;
  std::byte* scratch = per_thread_.bytes(each * static_cast<std::size_t>(threads()));
  parallel_for(m, grain, [&](std::size_t begin, std::size_t end) {
    std::byte* memory = scratch + thread_index() * each;
    const ConstMatRef a = fitting(args.a.row_range(begin, end - begin), type, memory + own);
    auto* product = reinterpret_cast<float*>(memory + own + a_bytes);
    for (std::size_t block = 0; block < cols.size; ++block) {
      const std::size_t first = cols.begin(block);
      const ConstMatRef weights = transposed ? b.row_range(first, cols.length(block))
                                             : b.col_range(first, cols.length(block));
      void* to = direct ? static_cast<void*>(place(args.out, begin, first)) : product;
      prepared.find(shape(end - begin, block))->second->run(a.data, weights.data, to, memory);
      for (std::size_t r = begin; r < end && !direct; ++r) {
        combine_row(args, product + (r - begin) * cols.length(block), bias,
                    {r, first, cols.length(block)});
      }
    }
  });
}

/// out[m, n] = a[rows, m]^T b[rows, n]: rows are cut into parts, each with sums of its own, which
/// are added in order.
void LongProducts::sum_over_rows(const GemmArgs& args, const float* bias) {
  const DType type = type_of(args);
  const bool direct = is_direct(args, bias) && args.out.dtype == DType::F32;
  const std::size_t rows = args.a.rows;
  const std::size_t n = args.b.cols;
  const Cuts sums(args.a.cols, kMostSums);
  const Cuts parts(rows, std::max(kPartRows, (rows + kMostParts - 1) / kMostParts));
  const bool converts = args.a.dtype != type || args.b.dtype != type;
  const std::size_t fit = kBlockBytes / size_of(type) / (sums.each + n) / kUnit * kUnit;
  const std::size_t depth = converts ? std::clamp(fit, kUnit, parts.each) : parts.each;
  const std::size_t part_floats = round_up(args.a.cols * n, 16);
  // The first part of a direct product is `out` itself.
  const std::size_t shared_parts = parts.size - (direct ? 1 : 0);
  auto* partial = shared_.floats(shared_parts * part_floats);
  const auto shape = [&](std::size_t block, std::size_t part, std::size_t inner, bool accumulate) {
    return MatmulShape{.m = sums.length(block),
                       .k = inner,
                       .n = n,
                       .lda = args.a.dtype == type ? args.a.stride : sums.length(block),
                       .ldb = args.b.dtype == type ? args.b.stride : n,
                       .ldc = direct && part == 0 ? args.out.stride : n,
                       .bf16 = type == DType::BF16,
                       .transpose_a = true,
                       .accumulate = accumulate};
  };
  // Calls body(begin of the rows, their number, whether they are added) for blocks of a part.
  const auto for_blocks = [&](std::size_t part, const auto& body) {
    bool accumulate = direct && part == 0 && args.beta == 1.0;
    for (std::size_t i = 0; i < parts.length(part); i += depth) {
      body(parts.begin(part) + i, std::min(depth, parts.length(part) - i), accumulate);
      accumulate = true;
    }
  };
  std::map<MatmulShape, std::shared_ptr<const Matmul>> prepared;
  std::size_t own = 0;
  for (std::size_t unit = 0; unit < sums.size * parts.size; ++unit) {
    for_blocks(unit / sums.size, [&](std::size_t, std::size_t inner, bool accumulate) {
      const MatmulShape wanted = shape(unit % sums.size, unit / sums.size, inner, accumulate);
      const auto matmul = matmuls_.get(wanted);
      own = std::max(own, round_up(matmul->scratch_bytes(), 64));
      prepared.emplace(wanted, matmul);
    });
  }
  const std::size_t a_bytes = fitting_bytes(args.a, type, depth * sums.each);
  const std::size_t each = own + a_bytes + fitting_bytes(args.b, type, depth * n);
  std::byte* scratch = per_thread_.bytes(each * static_cast<std::size_t>(threads()));
  parallel_for(sums.size * parts.size, 1, [&](std::size_t first, std::size_t last) {
    std::byte* memory = scratch + thread_index() * each;
    for (std::size_t unit = first; unit < last; ++unit) {
      const std::size_t block = unit % sums.size;
      const std::size_t part = unit / sums.size;
      const std::size_t row = sums.begin(block);
      void* to = partial + (part - (direct ? 1 : 0)) * part_floats + row * n;
      if (direct && part == 0) {
        to = place(args.out, row, 0);
      }
      for_blocks(part, [&](std::size_t begin, std::size_t inner, bool accumulate) {
        const ConstMatRef a = fitting(
            args.a.row_range(begin, inner).col_range(row, sums.length(block)), type, memory + own);
        const ConstMatRef b = fitting(args.b.row_range(begin, inner), type, memory + own + a_bytes);
        prepared.find(shape(block, part, inner, accumulate))
            ->second->run(a.data, b.data, to, memory);
      });
    }
  });
  parallel_for(args.a.cols, 8, [&](std::size_t begin, std::size_t end) {
    for (std::size_t r = begin; r < end; ++r) {
      float* total = direct ? reinterpret_cast<float*>(place(args.out, r, 0)) : partial + r * n;
      for (std::size_t part = direct ? 0 : 1; part < shared_parts; ++part) {
        add_scaled(total, partial + part * part_floats + r * n, n, 1.0F, total);
      }
      if (!direct) {
        combine_row(args, total, bias, {r, 0, n});
      }
    }
  });
}

}  // namespace cajal::cpu
