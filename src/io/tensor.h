// Tensors as files hold them: a name, a shape, and a view of bytes that stay where they are.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tensor/matrix.h"

namespace cajal {

/// One tensor of an open file. `bytes` and `file` stay valid as long as the file object.
struct StoredTensor {
  std::string name;
  std::string_view type;           // as the file's format spells it: "BF16", "F8_E4M3", "Q4_K"
  std::optional<DType> dtype;      // nullopt: a type that DType lacks; listed, but not viewable
  std::vector<std::size_t> shape;  // row-major, the last axis is contiguous
  std::span<const std::byte> bytes;
  std::string_view file;  // for messages: the path, or what the bytes were called
};

/// A tensor to be written.
struct NamedMatrix {
  std::string name;
  ConstMatRef matrix;
  std::optional<std::vector<std::size_t>> shape = std::nullopt;  // default: [rows, cols]
};

/// Calls take(bytes) for the elements of a host matrix in order, without gaps between its rows.
template <typename Take>
void for_each_piece(ConstMatRef matrix, const Take& take) {
  const std::size_t row = matrix.cols * size_of(matrix.dtype);
  if (matrix.stride == matrix.cols || matrix.rows <= 1) {
    take(std::span(matrix.data, matrix.rows * row));
    return;
  }
  for (std::size_t r = 0; r < matrix.rows; ++r) {
    take(std::span(matrix.row_range(r, 1).data, row));
  }
}

struct MatrixShape {
  std::size_t rows = 1;
  std::size_t cols = 1;
};

/// [product of all axes but the last, last]; one axis: [1, n]; no axis: [1, 1]. Throws CorruptData
/// for one without columns but with more than a million rows, which would hang whoever visits them.
MatrixShape matrix_shape(const StoredTensor& tensor);

/// The tensor in place, shaped by matrix_shape. Throws Unsupported, naming file, tensor and type,
/// if DType lacks the type.
ConstMatRef as_matrix(const StoredTensor& tensor);

/// "[3, 4]", for messages.
std::string shape_text(std::span<const std::size_t> shape);

/// Product of the axes; nullopt if it overflows.
std::optional<std::size_t> count_elements(std::span<const std::size_t> shape) noexcept;

/// A name from a file as messages show it: at most 100 bytes, valid UTF-8, no control characters.
std::string printable(std::string_view name);

/// Every file object calls this for each tensor before showing it. Where the bytes cannot be viewed
/// in place (not aligned for the element type; BOOL bytes other than 0 and 1, which count as 1)
/// they are copied to memory in `owned`. Touches the pages of BOOL tensors only.
void make_viewable(StoredTensor& tensor, std::vector<Buffer>& owned);

}  // namespace cajal
