#include "ops/cpu/long_products.h"

#include <cstring>

#include "base/parallel.h"
#include "ops/cpu/fitting.h"
#include "ops/cpu/pieces.h"
#include "ops/cpu/row_kernels.h"

namespace cajal::cpu {
namespace {

constexpr std::size_t kMostWeights = std::size_t{1} << 22U;  // elements: beyond, ManyRows
constexpr std::size_t kLeastRows = 64;
constexpr std::size_t kLeastPlainRows = 2048;  // where ManyRows is as fast below: `a` as it lies,
                                               // stored as f32
constexpr std::size_t kTailRows = 32;    // the last block of rows is filled up to a multiple, so
                                         // that batches of any size share few prepared products
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
    each = round_up((length + pieces - 1) / pieces, kColumnUnit);
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

/// The products that one call needs, prepared before its threads start.
class Prepared {
 public:
  explicit Prepared(Matmuls& matmuls) : matmuls_(matmuls) {}
  void add(const MatmulShape& shape) {
    const auto matmul = matmuls_.get(shape);
    scratch_bytes_ = std::max(scratch_bytes_, round_up(matmul->scratch_bytes(), 64));
    prepared_.emplace(shape, matmul);
  }
  const Matmul& operator[](const MatmulShape& shape) const {
    return *prepared_.find(shape)->second;
  }
  std::size_t scratch_bytes() const { return scratch_bytes_; }

 private:
  Matmuls& matmuls_;
  std::size_t scratch_bytes_ = 0;
  std::map<MatmulShape, std::shared_ptr<const Matmul>> prepared_;
};

/// out[m, n] = a[m, k] b: blocks of rows, each with all of b by blocks of columns.
class RowsProduct {
 public:
  RowsProduct(const GemmArgs& args, const float* bias, Matmuls& matmuls, Scratch& weights)
      : args_(args),
        bias_(bias),
        b_(fitting(args.b, type_of(args), weights)),
        cols_(args.out.cols, kMostCols),
        direct_(is_direct(args, bias)),
        prepared_(matmuls) {
    for (const std::size_t rows : {std::min(grain_, args.a.rows), args.a.rows % grain_}) {
      for (std::size_t block = 0; block < cols_.size && rows != 0; ++block) {
        prepared_.add(shape(rows, block));
      }
    }
  }

  void run(Scratch& per_thread) const {
    const std::size_t each = prepared_.scratch_bytes() + a_bytes() + out_bytes();
    std::byte* scratch = per_thread.bytes(each * static_cast<std::size_t>(threads()));
    parallel_for(args_.a.rows, grain_, [&](std::size_t begin, std::size_t end) {
      multiply(begin, end - begin, scratch + thread_index() * each);
    });
  }

 private:
  static std::size_t filled(std::size_t rows) { return round_up(rows, kTailRows); }
  /// A block of so many rows lands in `out` itself.
  bool lands(std::size_t rows) const { return direct_ && rows == filled(rows); }
  /// Rows of `a` are used as they lie.
  bool lies(std::size_t rows) const { return args_.a.dtype == type_ && rows == filled(rows); }

  MatmulShape shape(std::size_t rows, std::size_t block) const {
    return {.m = filled(rows),
            .k = args_.a.cols,
            .n = cols_.length(block),
            .lda = lies(rows) ? args_.a.stride : args_.a.cols,
            .ldb = b_.stride,
            .ldc = lands(rows) ? args_.out.stride : cols_.length(block),
            .bf16 = type_ == DType::BF16,
            .bf16_out = lands(rows) && args_.out.dtype == DType::BF16,
            .transpose_b = args_.transpose_b == Transpose::Yes,
            .accumulate = lands(rows) && args_.beta == 1.0};
  }
  std::size_t a_bytes() const { return round_up(grain_ * args_.a.cols * size_of(type_), 64); }
  std::size_t out_bytes() const { return round_up(grain_ * cols_.each * sizeof(float), 64); }

  /// Rows of `a` in the type of the product, filled up with zeros.
  ConstMatRef left(std::size_t begin, std::size_t rows, std::byte* memory) const {
    const ConstMatRef stored = args_.a.row_range(begin, rows);
    if (lies(rows)) {
      return stored;
    }
    const MatRef to = {memory, filled(rows), stored.cols, stored.cols, type_};
    convert_rows(stored, to.row_range(0, rows));
    std::memset(place(to, rows, 0), 0, (to.rows - rows) * to.cols * size_of(type_));
    return to;
  }

  /// Rows [begin, begin + rows).
  void multiply(std::size_t begin, std::size_t rows, std::byte* memory) const {
    std::byte* own = memory + prepared_.scratch_bytes();
    const ConstMatRef a = left(begin, rows, own);
    auto* product = reinterpret_cast<float*>(own + a_bytes());
    for (std::size_t block = 0; block < cols_.size; ++block) {
      const std::size_t first = cols_.begin(block);
      const std::size_t count = cols_.length(block);
      const ConstMatRef b = args_.transpose_b == Transpose::Yes ? b_.row_range(first, count)
                                                                : b_.col_range(first, count);
      void* to = lands(rows) ? static_cast<void*>(place(args_.out, begin, first)) : product;
      prepared_[shape(rows, block)].run(a.data, b.data, to, memory);
      for (std::size_t r = 0; r < rows && !lands(rows); ++r) {
        combine_row(args_, product + r * count, bias_, {begin + r, first, count});
      }
    }
  }

  const GemmArgs& args_;
  const float* bias_;
  DType type_ = type_of(args_);
  ConstMatRef b_;
  Cuts cols_;
  std::size_t grain_ = args_.a.rows >= 256 ? 256 : 128;  // each block packs the weights
  bool direct_;
  Prepared prepared_;
};

/// out[m, n] = a[rows, m]^T b[rows, n]: rows are cut into parts, each with sums of its own, which
/// are added in order. The first part of a direct product is `out` itself.
class SumOverRows {
 public:
  SumOverRows(const GemmArgs& args, const float* bias, Matmuls& matmuls)
      : args_(args),
        bias_(bias),
        sums_(args.a.cols, kMostSums),
        parts_(args.a.rows, std::max(kPartRows, (args.a.rows + kMostParts - 1) / kMostParts)),
        direct_(is_direct(args, bias) && args.out.dtype == DType::F32),
        prepared_(matmuls) {
    const bool converts = args.a.dtype != type_ || args.b.dtype != type_;
    const std::size_t fit =
        kBlockBytes / size_of(type_) / (sums_.each + n_) / kColumnUnit * kColumnUnit;
    depth_ = converts ? std::clamp(fit, kColumnUnit, parts_.each) : parts_.each;
    for (std::size_t unit = 0; unit < sums_.size * parts_.size; ++unit) {
      for_blocks(unit / sums_.size, [&](std::size_t, std::size_t inner, bool accumulate) {
        prepared_.add(shape(unit, inner, accumulate));
      });
    }
  }

  void run(Scratch& shared, Scratch& per_thread) {
    partial_ = shared.floats(partial_count() * part_floats());
    const std::size_t each =
        prepared_.scratch_bytes() + a_bytes() + fitting_bytes(args_.b, type_, depth_ * n_);
    std::byte* scratch = per_thread.bytes(each * static_cast<std::size_t>(threads()));
    parallel_for(sums_.size * parts_.size, 1, [&](std::size_t begin, std::size_t end) {
      for (std::size_t unit = begin; unit < end; ++unit) {
        multiply(unit, scratch + thread_index() * each);
      }
    });
    parallel_for(args_.a.cols, 8, [&](std::size_t begin, std::size_t end) {
      for (std::size_t r = begin; r < end; ++r) {
        add_parts(r);
      }
    });
  }

 private:
  MatmulShape shape(std::size_t unit, std::size_t inner, bool accumulate) const {
    const std::size_t rows = sums_.length(unit % sums_.size);
    return {.m = rows,
            .k = inner,
            .n = n_,
            .lda = args_.a.dtype == type_ ? args_.a.stride : rows,
            .ldb = args_.b.dtype == type_ ? args_.b.stride : n_,
            .ldc = is_out(unit / sums_.size) ? args_.out.stride : n_,
            .bf16 = type_ == DType::BF16,
            .transpose_a = true,
            .accumulate = accumulate};
  }
  bool is_out(std::size_t part) const { return direct_ && part == 0; }
  std::size_t partial_count() const { return parts_.size - (direct_ ? 1 : 0); }
  std::size_t part_floats() const { return round_up(args_.a.cols * n_, 16); }
  std::size_t a_bytes() const { return fitting_bytes(args_.a, type_, depth_ * sums_.each); }

  /// Calls body(begin, rows, whether they are added) for the blocks of a part.
  template <typename Body>
  void for_blocks(std::size_t part, const Body& body) const {
    bool accumulate = is_out(part) && args_.beta == 1.0;
    for (std::size_t i = 0; i < parts_.length(part); i += depth_) {
      body(parts_.begin(part) + i, std::min(depth_, parts_.length(part) - i), accumulate);
      accumulate = true;
    }
  }

  void multiply(std::size_t unit, std::byte* memory) const {
    std::byte* converted = memory + prepared_.scratch_bytes();
    const std::size_t row = sums_.begin(unit % sums_.size);
    const std::size_t part = unit / sums_.size;
    void* to = place(args_.out, row, 0);
    if (!is_out(part)) {
      to = partial_ + (part - (direct_ ? 1 : 0)) * part_floats() + row * n_;
    }
    for_blocks(part, [&](std::size_t begin, std::size_t rows, bool accumulate) {
      const std::size_t count = sums_.length(unit % sums_.size);
      const ConstMatRef a =
          fitting(args_.a.row_range(begin, rows).col_range(row, count), type_, converted);
      const ConstMatRef b = fitting(args_.b.row_range(begin, rows), type_, converted + a_bytes());
      prepared_[shape(unit, rows, accumulate)].run(a.data, b.data, to, memory);
    });
  }

  void add_parts(std::size_t r) const {
    float* total = direct_ ? reinterpret_cast<float*>(place(args_.out, r, 0)) : partial_ + r * n_;
    for (std::size_t part = direct_ ? 0 : 1; part < partial_count(); ++part) {
      add_scaled(total, partial_ + part * part_floats() + r * n_, n_, 1.0F, total);
    }
    if (!direct_) {
      combine_row(args_, total, bias_, {r, 0, n_});
    }
  }

  const GemmArgs& args_;
  const float* bias_;
  DType type_ = type_of(args_);
  std::size_t n_ = args_.b.cols;
  Cuts sums_;
  Cuts parts_;
  std::size_t depth_ = 0;  // rows that one product takes
  bool direct_;
  float* partial_ = nullptr;  // [parts, m, n]
  Prepared prepared_;
};

}  // namespace

bool suits_long_products(const GemmArgs& args) noexcept {
  if (args.precision != Precision::F32 && args.precision != Precision::BF16) {
    return false;
  }
  if (args.transpose_a == Transpose::Yes) {
    return args.a.rows >= kLeastRows && args.transpose_b == Transpose::No &&
           args.a.cols * args.b.cols <= 2 * kMostWeights;
  }
  const bool rounded = args.a.dtype == DType::BF16 && args.precision == Precision::BF16;
  return args.a.rows >= (rounded ? kLeastRows : kLeastPlainRows) &&
         args.b.rows * args.b.cols <= kMostWeights;
}

void LongProducts::multiply(const GemmArgs& args, const float* bias) {
  if (args.transpose_a == Transpose::No) {
    RowsProduct(args, bias, matmuls_, shared_).run(per_thread_);
  } else {
    SumOverRows(args, bias, matmuls_).run(shared_, per_thread_);
  }
}

}  // namespace cajal::cpu
