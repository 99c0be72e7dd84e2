#include "ops/cpu/many_rows.h"

#include <algorithm>
#include <array>
#include <vector>

#include "base/parallel.h"
#include "ops/cpu/convert.h"
#include "ops/cpu/pieces.h"
#include "ops/cpu/row_kernels.h"

namespace cajal::cpu {
namespace {

constexpr std::size_t kBlockRows = 512;    // of activations, in one product
constexpr std::size_t kPanelDepth = 2048;  // inner length of a converted panel: it fits a cache

struct Range {
  std::size_t begin = 0;
  std::size_t end = 0;
  std::size_t size() const { return end - begin; }
  bool operator==(const Range&) const = default;
};

/// The outputs cut into blocks; from the shape alone, so that threads do not change a bit.
class Grid {
 public:
  Grid(std::size_t m, std::size_t n) : m_(m), n_(n), units_((n + kColumnUnit - 1) / kColumnUnit) {
    const std::size_t wanted = std::max<std::size_t>(4, n / 256 / 4 * 4);
    col_blocks_ = std::min(wanted, units_);
    row_blocks_ = (m + kBlockRows - 1) / kBlockRows;
  }
  std::size_t size() const { return col_blocks_ * row_blocks_; }
  /// Sizes differ by one unit at most.
  Range cols(std::size_t block) const {
    const std::size_t i = block / row_blocks_;
    return {i * units_ / col_blocks_ * kColumnUnit,
            std::min(n_, (i + 1) * units_ / col_blocks_ * kColumnUnit)};
  }
  Range rows(std::size_t block) const {
    const std::size_t begin = block % row_blocks_ * kBlockRows;
    return {begin, std::min(m_, begin + kBlockRows)};
  }

 private:
  std::size_t m_;
  std::size_t n_;
  std::size_t units_;
  std::size_t col_blocks_ = 1;
  std::size_t row_blocks_ = 1;
};

/// The two halves of a split operand; `low` is absent for what is not split.
struct Halves {
  ConstMatRef high;
  ConstMatRef low = {};
};

/// Which panel of weights a thread's memory holds. Blocks that follow each other need the same one
/// where their weights fit in one panel.
struct PanelMemo {
  Range inner;
  Range cols;
  bool operator==(const PanelMemo&) const = default;
};

/// One product: how its operands are prepared, and what each block of outputs needs.
class Product {
 public:
  Product(const GemmArgs& args, const float* bias, Matmuls& matmuls)
      : args_(args), bias_(bias), matmuls_(matmuls), grid_(args.out.rows, args.out.cols) {
    const bool bf16_weights = args.b.dtype == DType::BF16;
    bf16_ = args.precision != Precision::F32;
    split_a_ = args.precision == Precision::BF16x2 || args.precision == Precision::BF16x3;
    split_b_ = split_a_ && !bf16_weights;
    converts_ = args.b.dtype != (bf16_ ? DType::BF16 : DType::F32);
    direct_ = args.alpha == 1.0 && args.beta == 0.0;
    k_ = args.transpose_a == Transpose::Yes ? args.a.rows : args.a.cols;
    depth_ = converts_ ? std::min(k_, kPanelDepth) : k_;
  }

  void run(Scratch& activations, Scratch& per_thread) {
    a_ = prepare_activations(activations);
    prepare_matmuls();
    const std::size_t bytes = thread_bytes();
    std::byte* memory = per_thread.bytes(bytes * static_cast<std::size_t>(threads()));
    std::vector<PanelMemo> memos(static_cast<std::size_t>(threads()));
    parallel_for(grid_.size(), 1, [&](std::size_t begin, std::size_t end) {
      for (std::size_t block = begin; block < end; ++block) {
        multiply(block, memory + thread_index() * bytes, memos[thread_index()]);
      }
    });
  }

 private:
  Halves prepare_activations(Scratch& scratch);
  void prepare_matmuls();
  std::size_t thread_bytes() const;
  void multiply(std::size_t block, std::byte* memory, PanelMemo& memo) const;
  Halves panel(Range inner, Range cols, std::byte* memory, PanelMemo& memo) const;
  void fill_panel(ConstMatRef stored, std::byte* memory) const;
  const Matmul& matmul(const MatmulShape& shape) const;
  MatmulShape shape(std::size_t block, std::size_t depth, bool accumulate) const;
  void finish(Range rows, Range cols, const float* product) const;

  std::size_t width() const { return bf16_ ? 2 : 4; }
  /// Bytes of one converted panel of the widest block.
  std::size_t panel_bytes() const { return round_up(depth_ * widest() * width(), 64); }
  std::size_t widest() const {
    std::size_t widest = 0;
    for (std::size_t block = 0; block < grid_.size(); ++block) {
      widest = std::max(widest, grid_.cols(block).size());
    }
    return widest;
  }

  const GemmArgs& args_;
  const float* bias_;
  Matmuls& matmuls_;
  Grid grid_;
  std::size_t k_ = 0;
  std::size_t depth_ = 0;  // inner length that one oneDNN product takes
  bool bf16_ = false;
  bool split_a_ = false;
  bool split_b_ = false;
  bool converts_ = false;  // weights have to be converted
  bool direct_ = false;    // products are written to `out` itself
  Halves a_;
  std::map<MatmulShape, std::shared_ptr<const Matmul>> prepared_;
};

/// Row r of `a`, or column r if it is transposed, in f32.
const float* activation_row(const GemmArgs& args, std::size_t r, float* buffer) {
  const auto a = args.a.as<const float>();
  if (args.transpose_a == Transpose::No) {
    return a.data + r * a.stride;
  }
  for (std::size_t c = 0; c < a.rows; ++c) {
    buffer[c] = a.data[c * a.stride + r];
  }
  return buffer;
}

Halves Product::prepare_activations(Scratch& scratch) {
  const std::size_t m = args_.out.rows;
  if (!bf16_ && args_.transpose_a == Transpose::No) {
    return {args_.a};
  }
  const std::size_t half = round_up(m * k_ * width(), 64);
  const std::size_t transposed = args_.transpose_a == Transpose::Yes ? m * k_ : 0;
  std::byte* high = scratch.bytes(2 * half + transposed * sizeof(float));
  std::byte* low = high + half;
  auto* rows = reinterpret_cast<float*>(low + half);
  const DType dtype = bf16_ ? DType::BF16 : DType::F32;
  parallel_for(m, 16, [&](std::size_t begin, std::size_t end) {
    for (std::size_t r = begin; r < end; ++r) {
      const float* row = activation_row(args_, r, rows + r * k_);
      std::byte* to = high + r * k_ * width();
      if (!bf16_) {
        std::copy(row, row + k_, reinterpret_cast<float*>(to));
      } else if (split_a_) {
        split_in_bf16(row, k_, reinterpret_cast<BFloat16*>(to),
                      reinterpret_cast<BFloat16*>(low) + r * k_);
      } else {
        round_to_bf16(row, k_, reinterpret_cast<BFloat16*>(to));
      }
    }
  });
  Halves a = {{high, m, k_, k_, dtype}};
  if (split_a_) {
    a.low = {low, m, k_, k_, dtype};
  }
  return a;
}

MatmulShape Product::shape(std::size_t block, std::size_t depth, bool accumulate) const {
  const bool transposed = args_.transpose_b == Transpose::Yes;
  const std::size_t n = grid_.cols(block).size();
  return {.m = grid_.rows(block).size(),
          .k = depth,
          .n = n,
          .lda = a_.high.stride,
          .ldb = !converts_ ? args_.b.stride : (transposed ? depth : n),
          .ldc = direct_ ? args_.out.stride : n,
          .bf16 = bf16_,
          .transpose_b = transposed,
          .accumulate = accumulate};
}

void Product::prepare_matmuls() {
  const std::size_t rest = k_ % depth_ == 0 ? depth_ : k_ % depth_;
  for (std::size_t block = 0; block < grid_.size(); ++block) {
    for (const std::size_t depth : {depth_, rest}) {
      for (const bool accumulate : {false, true}) {
        const bool needed = accumulate ? depth_ < k_ || split_a_ : depth == depth_;
        const MatmulShape wanted = shape(block, depth, accumulate);
        if (needed && !prepared_.contains(wanted)) {
          prepared_.emplace(wanted, matmuls_.get(wanted));
        }
      }
    }
  }
}

const Matmul& Product::matmul(const MatmulShape& shape) const {
  return *prepared_.find(shape)->second;
}

std::size_t Product::thread_bytes() const {
  std::size_t own = 0;
  for (const auto& [shape, matmul] : prepared_) {
    own = std::max(own, matmul->scratch_bytes());
  }
  const std::size_t product = direct_ ? 0 : kBlockRows * widest() * sizeof(float);
  const std::size_t row = std::max(depth_, widest()) * sizeof(float);
  return round_up(own, 64) + round_up(product, 64) +
         (converts_ ? 2 * panel_bytes() + round_up(row, 64) : 0);
}

/// Weights [inner, cols] (or [cols, inner] if transposed) in the type of the product.
Halves Product::panel(Range inner, Range cols, std::byte* memory, PanelMemo& memo) const {
  const bool transposed = args_.transpose_b == Transpose::Yes;
  const Range down = transposed ? cols : inner;
  const Range across = transposed ? inner : cols;
  const ConstMatRef stored =
      args_.b.row_range(down.begin, down.size()).col_range(across.begin, across.size());
  if (!converts_) {
    return {stored};
  }
  if (const PanelMemo wanted = {inner, cols}; memo != wanted) {
    fill_panel(stored, memory);
    memo = wanted;
  }
  const DType dtype = bf16_ ? DType::BF16 : DType::F32;
  Halves b = {{memory, down.size(), across.size(), across.size(), dtype}};
  if (split_b_) {
    b.low = {memory + panel_bytes(), down.size(), across.size(), across.size(), dtype};
  }
  return b;
}

void Product::fill_panel(ConstMatRef stored, std::byte* memory) const {
  std::byte* low = memory + panel_bytes();
  auto* row = reinterpret_cast<float*>(low + panel_bytes());
  for (std::size_t r = 0; r < stored.rows; ++r) {
    const std::byte* from = stored.row_range(r, 1).data;
    const std::size_t at = r * stored.cols;
    float* floats = bf16_ ? row : reinterpret_cast<float*>(memory) + at;
    to_floats(stored.dtype, from, stored.cols, floats);
    if (split_b_) {
      split_in_bf16(row, stored.cols, reinterpret_cast<BFloat16*>(memory) + at,
                    reinterpret_cast<BFloat16*>(low) + at);
    } else if (bf16_) {
      round_to_bf16(row, stored.cols, reinterpret_cast<BFloat16*>(memory) + at);
    }
  }
}

void Product::multiply(std::size_t block, std::byte* memory, PanelMemo& memo) const {
  const Range rows = grid_.rows(block);
  const Range cols = grid_.cols(block);
  const auto out = args_.out.as<float>();
  std::byte* panels = memory;
  if (converts_) {
    memory += 2 * panel_bytes() + round_up(std::max(depth_, widest()) * sizeof(float), 64);
  }
  auto* product = reinterpret_cast<float*>(memory);
  if (direct_) {
    product = out.data + rows.begin * out.stride + cols.begin;
  } else {
    memory += round_up(kBlockRows * widest() * sizeof(float), 64);
  }
  bool accumulate = false;
  for (std::size_t begin = 0; begin < k_; begin += depth_) {
    const Range inner = {begin, std::min(k_, begin + depth_)};
    const Halves b = panel(inner, cols, panels, memo);
    const auto add = [&](ConstMatRef left, ConstMatRef right) {
      if (left && right) {
        matmul(shape(block, inner.size(), accumulate))
            .run(left.row_range(rows.begin, rows.size()).col_range(begin, inner.size()).data,
                 right.data, product, memory);
        accumulate = true;
      }
    };
    add(a_.high, b.high);
    add(a_.low, b.high);
    add(a_.high, b.low);
  }
  finish(rows, cols, product);
}

void Product::finish(Range rows, Range cols, const float* product) const {
  if (direct_ && bias_ == nullptr) {
    return;
  }
  const auto out = args_.out.as<float>();
  const std::size_t stride = direct_ ? out.stride : cols.size();
  for (std::size_t r = 0; r < rows.size(); ++r) {
    combine(product + r * stride, bias_ == nullptr ? nullptr : bias_ + cols.begin, cols.size(),
            static_cast<float>(args_.alpha), static_cast<float>(args_.beta),
            out.data + (rows.begin + r) * out.stride + cols.begin);
  }
}

}  // namespace

bool is_plain(const GemmArgs& args) noexcept {
  const auto floats = [](ConstMatRef m) { return m.dtype == DType::F32; };
  return floats(args.a) && floats(args.b) && floats(args.out) && !args.bias && args.a.cols != 0 &&
         args.transpose_a == Transpose::No && args.alpha == 1.0 && args.beta == 0.0 &&
         args.precision == Precision::F32;
}

void ManyRows::multiply_each(std::span<const GemmArgs> products) {
  std::vector<std::shared_ptr<const Matmul>> matmuls;
  std::size_t bytes = 0;
  for (const GemmArgs& p : products) {
    matmuls.push_back(matmuls_.get({.m = p.out.rows,
                                    .k = p.a.cols,
                                    .n = p.out.cols,
                                    .lda = p.a.stride,
                                    .ldb = p.b.stride,
                                    .ldc = p.out.stride,
                                    .transpose_b = p.transpose_b == Transpose::Yes}));
    bytes = std::max(bytes, round_up(matmuls.back()->scratch_bytes(), 64));
  }
  std::byte* memory = threads_.bytes(bytes * static_cast<std::size_t>(threads()));
  parallel_for(products.size(), 4, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      matmuls[i]->run(products[i].a.data, products[i].b.data, products[i].out.data,
                      memory + thread_index() * bytes);
    }
  });
}

void ManyRows::multiply(const GemmArgs& args, const float* bias) {
  Product(args, bias, matmuls_).run(activations_, threads_);
}

}  // namespace cajal::cpu
