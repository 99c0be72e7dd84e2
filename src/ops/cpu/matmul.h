// oneDNN's matrix product on one thread, prepared once per shape.
//
// Threads are ours (base/parallel.h): a primitive is created as if there were one thread and runs
// inside parallel_for, so its bits cannot depend on how many there are.
#pragma once

#include <compare>
#include <cstddef>
#include <map>
#include <memory>

namespace cajal::cpu {

/// c[m, n] = a[m, k] * b[k, n], or += if accumulate; a and b are both f32 or both bf16, c is f32
/// or, if they are bf16, rounded to bf16; ld* are strides in elements; transpose_a: a is stored
/// [k, m], transpose_b: b is stored [n, k].
struct MatmulShape {
  std::size_t m = 0, k = 0, n = 0;
  std::size_t lda = 0, ldb = 0, ldc = 0;
  bool bf16 = false;
  bool bf16_out = false;
  bool transpose_a = false;
  bool transpose_b = false;
  bool accumulate = false;
  auto operator<=>(const MatmulShape&) const = default;
};

class Matmul {
 public:
  /// Throws Unsupported.
  explicit Matmul(const MatmulShape& shape);
  Matmul(const Matmul&) = delete;
  Matmul& operator=(const Matmul&) = delete;
  ~Matmul();

  std::size_t scratch_bytes() const noexcept;
  /// Several threads may run it at once, each with its own scratch (64-byte aligned).
  void run(const std::byte* a, const std::byte* b, void* c, std::byte* scratch) const noexcept;

 private:
  struct Primitive;
  std::unique_ptr<const Primitive> primitive_;
};

/// Keeps what was prepared; forgets all of it when there is too much.
class Matmuls {
 public:
  /// Throws Unsupported.
  std::shared_ptr<const Matmul> get(const MatmulShape& shape);

 private:
  static constexpr std::size_t kMost = 2048;  // each holds some 80 KiB
  std::map<MatmulShape, std::shared_ptr<const Matmul>> prepared_;
};

/// Whether bf16 products are computed by the processor itself (AVX-512 BF16 or AMX).
bool has_native_bf16() noexcept;

}  // namespace cajal::cpu
