// Matrices: the only tensor this project has.
//
// Everything is rank 2 and row-major. A batch of sequences is one matrix whose rows are the
// tokens of all sequences, one after the other; what a row and a column mean is said in a shape
// comment such as [tokens, d_model] wherever a matrix is declared.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>

#include "base/error.h"
#include "tensor/dtype.h"

namespace cajal {

enum class Device : std::uint8_t { Cpu, Cuda };

/// Typed view of host memory, [rows, cols]; copying it copies no elements.
/// `stride` is in elements, and stride >= cols.
template <typename T>
struct MatrixView {
  T* data = nullptr;
  std::size_t rows = 0;
  std::size_t cols = 0;
  std::size_t stride = 0;

  std::span<T> row(std::size_t r) const {
    assert(r < rows);
    return {data + r * stride, cols};
  }
  T& at(std::size_t r, std::size_t c) const {
    assert(r < rows && c < cols);
    return data[r * stride + c];
  }
  MatrixView row_range(std::size_t begin, std::size_t count) const {
    assert(begin + count <= rows);
    return {data + begin * stride, count, cols, stride};
  }
  MatrixView col_range(std::size_t begin, std::size_t count) const {
    assert(begin + count <= cols);
    return {data + begin, rows, count, stride};
  }
  operator MatrixView<const T>() const  // NOLINT(google-explicit-constructor)
    requires(!std::is_const_v<T>)
  {
    return {data, rows, cols, stride};
  }
};

/// View whose element type and device are known only at run time. Crosses the Backend interface.
/// A view without data (`data == nullptr`) stands for "absent" where an argument says optional.
template <typename Byte>
struct AnyMatrix {
  Byte* data = nullptr;
  std::size_t rows = 0;
  std::size_t cols = 0;
  std::size_t stride = 0;  // in elements
  DType dtype = DType::F32;
  Device device = Device::Cpu;

  explicit operator bool() const noexcept { return data != nullptr; }

  /// Throws InvalidArgument unless the memory is on the host and holds T.
  template <typename T>
  MatrixView<T> as() const {
    static_assert(std::is_const_v<T> == std::is_const_v<Byte>);
    check(device == Device::Cpu, "matrix lives on the GPU; copy it to the host first");
    check(dtype == dtype_of<T>(), "matrix holds {}, not {}", name_of(dtype),
          name_of(dtype_of<T>()));
    return {reinterpret_cast<T*>(data), rows, cols, stride};
  }
  AnyMatrix row_range(std::size_t begin, std::size_t count) const {
    assert(begin + count <= rows);
    return {data + begin * stride * size_of(dtype), count, cols, stride, dtype, device};
  }
  AnyMatrix col_range(std::size_t begin, std::size_t count) const {
    assert(begin + count <= cols);
    return {data + begin * size_of(dtype), rows, count, stride, dtype, device};
  }
  /// The same memory as [rows * parts, cols / parts]; needs stride == cols.
  AnyMatrix split_rows(std::size_t parts) const {
    assert(stride == cols && cols % parts == 0);
    return {data, rows * parts, cols / parts, cols / parts, dtype, device};
  }
  operator AnyMatrix<const std::byte>() const  // NOLINT(google-explicit-constructor)
    requires(!std::is_const_v<Byte>)
  {
    return {data, rows, cols, stride, dtype, device};
  }
};
using MatRef = AnyMatrix<std::byte>;
using ConstMatRef = AnyMatrix<const std::byte>;

/// Device or host memory. Freed by the deleter its backend gave it.
using Buffer = std::unique_ptr<std::byte[], void (*)(std::byte*)>;

/// Host memory, aligned to 64 bytes (a cache line, an AVX-512 vector), not initialised.
/// Throws ResourceExhausted.
Buffer allocate_host(std::size_t bytes);

/// Owns its elements. Move-only: a copy costs memory traffic, so it has to be asked for by name.
class Matrix {
 public:
  Matrix() : buffer_(nullptr, [](std::byte*) {}) {}
  Matrix(Buffer buffer, std::size_t rows, std::size_t cols, DType dtype, Device device)
      : buffer_(std::move(buffer)), rows_(rows), cols_(cols), dtype_(dtype), device_(device) {}
  /// In host memory, not initialised. Throws ResourceExhausted (also where rows * cols overflows).
  static Matrix host(std::size_t rows, std::size_t cols, DType dtype);

  MatRef ref() { return {buffer_.get(), rows_, cols_, cols_, dtype_, device_}; }
  ConstMatRef ref() const { return {buffer_.get(), rows_, cols_, cols_, dtype_, device_}; }
  template <typename T>
  MatrixView<T> as() {
    return ref().as<T>();
  }
  template <typename T>
  MatrixView<const T> as() const {
    return ref().as<const T>();
  }
  std::size_t rows() const noexcept { return rows_; }
  std::size_t cols() const noexcept { return cols_; }
  DType dtype() const noexcept { return dtype_; }
  bool empty() const noexcept { return rows_ * cols_ == 0; }

 private:
  Buffer buffer_;
  std::size_t rows_ = 0;
  std::size_t cols_ = 0;
  DType dtype_ = DType::F32;
  Device device_ = Device::Cpu;
};

/// Copies host elements, converting between float types (and from any type to float or double).
/// Same shape. Throws InvalidArgument otherwise, and Unsupported for a conversion to a type that
/// is neither the same nor F32, F64 or BF16.
void convert(ConstMatRef from, MatRef to);

/// A host copy of any element as double; for tests and small values.
double element(ConstMatRef m, std::size_t r, std::size_t c);

}  // namespace cajal
