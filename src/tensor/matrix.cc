#include "tensor/matrix.h"

#include <cstdlib>
#include <cstring>
#include <limits>

namespace cajal {
namespace {

template <typename T>
double as_double(T x) {
  if constexpr (std::is_same_v<T, BFloat16> || std::is_same_v<T, Float16>) {
    return static_cast<double>(widen(x));
  } else {
    return static_cast<double>(x);
  }
}

template <typename To, typename From>
To cast(From x) {
  if constexpr (std::is_same_v<To, From>) {
    return x;
  } else if constexpr (std::is_same_v<To, BFloat16>) {
    return to_bf16(static_cast<float>(as_double(x)));
  } else {
    return static_cast<To>(as_double(x));
  }
}

template <typename From, typename To>
void convert_typed(ConstMatRef from, MatRef to) {
  const auto x = from.as<const From>();
  const auto y = to.as<To>();
  for (std::size_t r = 0; r < x.rows; ++r) {
    for (std::size_t c = 0; c < x.cols; ++c) {
      y.data[r * y.stride + c] = cast<To>(x.data[r * x.stride + c]);
    }
  }
}

/// Calls visitor.operator()<T>() with the element type of `dtype`.
template <typename Visitor>
auto visit_dtype(DType dtype, const Visitor& visitor) {
  switch (dtype) {
    case DType::F64:
      return visitor.template operator()<double>();
    case DType::F32:
      return visitor.template operator()<float>();
    case DType::BF16:
      return visitor.template operator()<BFloat16>();
    case DType::F16:
      return visitor.template operator()<Float16>();
    case DType::I64:
      return visitor.template operator()<std::int64_t>();
    case DType::I32:
      return visitor.template operator()<std::int32_t>();
    case DType::I8:
      return visitor.template operator()<std::int8_t>();
    case DType::U8:
      return visitor.template operator()<std::uint8_t>();
    case DType::Bool:
      break;
  }
  return visitor.template operator()<bool>();
}

}  // namespace

Buffer allocate_host(std::size_t bytes) {
  constexpr std::size_t kAlignment = 64;
  const std::size_t rounded = (bytes + kAlignment - 1) / kAlignment * kAlignment;
  auto* memory = rounded < bytes ? nullptr
                                 : static_cast<std::byte*>(std::aligned_alloc(
                                       kAlignment, rounded == 0 ? kAlignment : rounded));
  if (memory == nullptr) {
    fail(ErrorCode::ResourceExhausted, "no memory for {} bytes", bytes);
  }
  return {memory, [](std::byte* p) { std::free(p); }};  // NOLINT(cppcoreguidelines-no-malloc)
}

Matrix Matrix::host(std::size_t rows, std::size_t cols, DType dtype) {
  const std::size_t limit = std::numeric_limits<std::size_t>::max() / 16;
  if (cols != 0 && rows > limit / cols) {
    fail(ErrorCode::ResourceExhausted, "no memory for a matrix of {} x {}", rows, cols);
  }
  return {allocate_host(rows * cols * size_of(dtype)), rows, cols, dtype, Device::Cpu};
}

void convert(ConstMatRef from, MatRef to) {
  check(from.rows == to.rows && from.cols == to.cols, "convert: [{}, {}] into [{}, {}]", from.rows,
        from.cols, to.rows, to.cols);
  if (from.rows == 0 || from.cols == 0) {  // may lie nowhere, and memcpy wants a place
    return;
  }
  if (from.dtype == to.dtype) {
    const std::size_t size = size_of(from.dtype);
    for (std::size_t r = 0; r < from.rows; ++r) {
      std::memcpy(to.data + r * to.stride * size, from.data + r * from.stride * size,
                  from.cols * size);
    }
    return;
  }
  visit_dtype(from.dtype, [&]<typename From>() {
    switch (to.dtype) {
      case DType::F64:
        return convert_typed<From, double>(from, to);
      case DType::F32:
        return convert_typed<From, float>(from, to);
      case DType::BF16:
        return convert_typed<From, BFloat16>(from, to);
      default:
        fail(ErrorCode::Unsupported, "cannot convert {} to {}", name_of(from.dtype),
             name_of(to.dtype));
    }
  });
}

double element(ConstMatRef m, std::size_t r, std::size_t c) {
  return visit_dtype(m.dtype, [&]<typename T>() { return as_double(m.as<const T>().at(r, c)); });
}

}  // namespace cajal
