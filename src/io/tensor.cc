#include "io/tensor.h"

#include <algorithm>
#include <cstdint>
#include <limits>

#include <fmt/ranges.h>

#include "base/utf8.h"

namespace cajal {
namespace {

constexpr std::size_t kMostEmptyRows = 1'000'000;

bool is_aligned(std::span<const std::byte> bytes, DType dtype) {
  return reinterpret_cast<std::uintptr_t>(bytes.data()) % size_of(dtype) == 0;
}

bool has_odd_bool(std::span<const std::byte> bytes) {
  return std::any_of(bytes.begin(), bytes.end(), [](std::byte b) { return b > std::byte{1}; });
}

}  // namespace

std::string shape_text(std::span<const std::size_t> shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

std::optional<std::size_t> count_elements(std::span<const std::size_t> shape) noexcept {
  constexpr std::size_t kMax = std::numeric_limits<std::size_t>::max();
  if (std::find(shape.begin(), shape.end(), std::size_t{0}) != shape.end()) {
    return 0;
  }
  std::size_t count = 1;
  for (const std::size_t n : shape) {
    if (count > kMax / n) {
      return std::nullopt;
    }
    count *= n;
  }
  return count;
}

std::string printable(std::string_view name) {
  constexpr std::size_t kLongest = 100;
  std::string text = sanitize_utf8(name.substr(0, kLongest));
  std::replace_if(
      text.begin(), text.end(),
      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }, '?');
  return name.size() > kLongest ? text + "..." : text;
}

MatrixShape matrix_shape(const StoredTensor& tensor) {
  if (tensor.shape.empty()) {
    return {};
  }
  const auto rows = count_elements(std::span(tensor.shape).first(tensor.shape.size() - 1));
  const std::size_t cols = tensor.shape.back();
  if (!rows || (cols == 0 && *rows > kMostEmptyRows)) {
    fail(ErrorCode::CorruptData, "{}: tensor '{}': the shape {} without elements is absurd",
         tensor.file, printable(tensor.name), shape_text(tensor.shape));
  }
  return {*rows, cols};
}

ConstMatRef as_matrix(const StoredTensor& tensor) {
  if (!tensor.dtype) {
    fail(ErrorCode::Unsupported,
         "{}: tensor '{}' has the type {}, whose elements cannot be read as they are; use a file "
         "that stores it as F32, F16 or BF16",
         tensor.file, printable(tensor.name), tensor.type);
  }
  static constexpr std::byte kNothing{};  // an empty view is still not an absent one
  const std::byte* data = tensor.bytes.empty() ? &kNothing : tensor.bytes.data();
  const auto [rows, cols] = matrix_shape(tensor);
  return {data, rows, cols, cols, *tensor.dtype, Device::Cpu};
}

void make_viewable(StoredTensor& tensor, std::vector<Buffer>& owned) {
  if (!tensor.dtype || tensor.bytes.empty()) {
    return;
  }
  const bool odd = *tensor.dtype == DType::Bool && has_odd_bool(tensor.bytes);
  if (is_aligned(tensor.bytes, *tensor.dtype) && !odd) {
    return;
  }
  Buffer copy = allocate_host(tensor.bytes.size());
  std::transform(tensor.bytes.begin(), tensor.bytes.end(), copy.get(),
                 [odd](std::byte b) { return odd ? std::byte{b != std::byte{0}} : b; });
  tensor.bytes = {copy.get(), tensor.bytes.size()};
  owned.push_back(std::move(copy));
}

}  // namespace cajal
