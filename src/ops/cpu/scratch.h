// Memory that kernels need for the length of one call, kept between calls.
#pragma once

#include <algorithm>

#include "tensor/matrix.h"

namespace cajal::cpu {

class Scratch {
 public:
  /// At least `bytes`, aligned to 64; not initialised; valid until the next call. Throws
  /// ResourceExhausted.
  std::byte* bytes(std::size_t bytes) {
    if (bytes > size_) {
      buffer_.reset();  // first, so that the old and the new one are not held together
      size_ = 0;
      buffer_ = allocate_host(bytes);
      size_ = bytes;
    }
    return buffer_.get();
  }
  float* floats(std::size_t count) {
    return reinterpret_cast<float*>(bytes(count * sizeof(float)));
  }

 private:
  Buffer buffer_{nullptr, [](std::byte*) {}};
  std::size_t size_ = 0;
};

constexpr std::size_t round_up(std::size_t x, std::size_t multiple) {
  return (x + multiple - 1) / multiple * multiple;
}

}  // namespace cajal::cpu
