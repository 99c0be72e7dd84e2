// Sums over many rows: every chunk of rows has sums of its own, which are then added in order, so
// that the bits do not depend on the number of threads.
#pragma once

#include <algorithm>

#include "base/parallel.h"
#include "ops/cpu/row_kernels.h"
#include "ops/cpu/scratch.h"

namespace cajal::cpu {

class ChunkSums {
 public:
  /// Sums of `width` floats over `rows` rows of `cols` elements.
  ChunkSums(std::size_t rows, std::size_t cols, std::size_t width, Scratch& scratch)
      : rows_(rows), width_(width) {
    constexpr std::size_t kElements = 32768;  // of a chunk: its sums are a small part of its work
    const std::size_t wanted = std::max(kElements, 8 * width) / (cols + 1);
    grain_ = std::max<std::size_t>(wanted, 1);
    const std::size_t count = (rows + grain_ - 1) / grain_ * width;
    sums_ = scratch.floats(count);
    std::fill_n(sums_, count, 0.0F);
  }
  /// Calls body(begin, end, sums) for every chunk, in parallel.
  template <typename Body>
  void run(const Body& body) const {
    parallel_for(rows_, grain_, [&](std::size_t begin, std::size_t end) {
      body(begin, end, sums_ + begin / grain_ * width_);
    });
  }
  /// to[i] += sums[begin + i], chunk by chunk.
  void add_to(float* to, std::size_t begin, std::size_t count) const {
    for (std::size_t chunk = 0; chunk * grain_ < rows_; ++chunk) {
      add_scaled(to, sums_ + chunk * width_ + begin, count, 1.0F, to);
    }
  }

 private:
  std::size_t rows_;
  std::size_t width_;
  std::size_t grain_ = 1;  // rows of a chunk
  float* sums_ = nullptr;
};

}  // namespace cajal::cpu
