#include "model/arena.h"

#include <algorithm>
#include <limits>

#include "base/error.h"

namespace cajal {
namespace {

constexpr std::size_t kAlignment = 64;
constexpr std::size_t kSmallestBlock = std::size_t{1} << 16U;

std::size_t bytes_of(std::size_t rows, std::size_t cols, DType dtype) {
  const std::size_t limit = std::numeric_limits<std::size_t>::max() / 16;
  if (cols != 0 && rows > limit / cols) {
    fail(ErrorCode::ResourceExhausted, "no memory for a matrix of {} x {}", rows, cols);
  }
  return (rows * cols * size_of(dtype) + kAlignment - 1) / kAlignment * kAlignment;
}

}  // namespace

void Arena::add_chunk(std::size_t bytes) {
  std::size_t have = 0;
  for (const Chunk& chunk : chunks_) {
    have += chunk.size;
  }
  const std::size_t size = std::max({bytes, have / 2, kSmallestBlock});
  chunks_.push_back({backend_->allocate(size), size});
}

MatRef Arena::make(std::size_t rows, std::size_t cols, DType dtype) {
  const std::size_t bytes = std::max(bytes_of(rows, cols, dtype), kAlignment);
  while (chunk_ < chunks_.size() && used_ + bytes > chunks_[chunk_].size) {
    ++chunk_;
    used_ = 0;
  }
  if (chunk_ == chunks_.size()) {
    add_chunk(bytes);
    chunk_ = chunks_.size() - 1;
    used_ = 0;
  }
  std::byte* data = chunks_[chunk_].buffer.get() + used_;
  used_ += bytes;
  return {data, rows, cols, cols, dtype, backend_->device()};
}

void Arena::clear() {
  chunk_ = 0;
  used_ = 0;
  if (chunks_.size() > 1) {
    std::size_t have = 0;
    for (const Chunk& chunk : chunks_) {
      have += chunk.size;
    }
    chunks_.clear();  // first, so that the old and the new are not held together
    chunks_.push_back({backend_->allocate(have), have});
  }
}

}  // namespace cajal
