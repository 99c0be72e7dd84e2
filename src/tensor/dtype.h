// Element types, and the two 16-bit floats as storage.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <type_traits>

namespace cajal {

enum class DType : std::uint8_t { F64, F32, BF16, F16, I64, I32, I8, U8, Bool };

constexpr std::size_t size_of(DType dtype) noexcept {
  switch (dtype) {
    case DType::F64:
    case DType::I64:
      return 8;
    case DType::F32:
    case DType::I32:
      return 4;
    case DType::BF16:
    case DType::F16:
      return 2;
    case DType::I8:
    case DType::U8:
    case DType::Bool:
      break;
  }
  return 1;
}

constexpr bool is_float(DType dtype) noexcept {
  return dtype == DType::F64 || dtype == DType::F32 || dtype == DType::BF16 || dtype == DType::F16;
}

/// As safetensors spells it: "F32", "BF16", "BOOL", ...
constexpr std::string_view name_of(DType dtype) noexcept {
  switch (dtype) {
    case DType::F64:
      return "F64";
    case DType::F32:
      return "F32";
    case DType::BF16:
      return "BF16";
    case DType::F16:
      return "F16";
    case DType::I64:
      return "I64";
    case DType::I32:
      return "I32";
    case DType::I8:
      return "I8";
    case DType::U8:
      return "U8";
    case DType::Bool:
      break;
  }
  return "BOOL";
}

/// The upper half of a float. Storage only: arithmetic on it happens after widening.
struct BFloat16 {
  std::uint16_t bits = 0;
};

/// IEEE binary16. Storage only.
struct Float16 {
  std::uint16_t bits = 0;
};

constexpr float widen(BFloat16 x) noexcept {
  return std::bit_cast<float>(static_cast<std::uint32_t>(x.bits) << 16U);
}

/// Exact: subnormals, infinities and NaN included.
constexpr float widen(Float16 x) noexcept {
  const std::uint32_t sign = static_cast<std::uint32_t>(x.bits & 0x8000U) << 16U;
  const std::uint32_t exponent = (x.bits >> 10U) & 0x1FU;
  const std::uint32_t fraction = x.bits & 0x3FFU;
  if (exponent == 0) {  // zero or subnormal: fraction * 2^-24
    const float magnitude = static_cast<float>(fraction) * 0x1p-24F;
    return sign != 0 ? -magnitude : magnitude;
  }
  if (exponent == 31) {
    return std::bit_cast<float>(sign | 0x7F800000U | (fraction << 13U));
  }
  return std::bit_cast<float>(sign | ((exponent + 112U) << 23U) | (fraction << 13U));
}

/// Nearest, ties to even; NaN stays NaN.
constexpr BFloat16 to_bf16(float x) noexcept {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  if ((bits & 0x7FFFFFFFU) > 0x7F800000U) {
    return {static_cast<std::uint16_t>((bits >> 16U) | 0x40U)};
  }
  return {static_cast<std::uint16_t>((bits + 0x7FFFU + ((bits >> 16U) & 1U)) >> 16U)};
}

template <typename T>
constexpr DType dtype_of() {
  using U = std::remove_const_t<T>;
  if constexpr (std::is_same_v<U, double>) {
    return DType::F64;
  } else if constexpr (std::is_same_v<U, float>) {
    return DType::F32;
  } else if constexpr (std::is_same_v<U, BFloat16>) {
    return DType::BF16;
  } else if constexpr (std::is_same_v<U, Float16>) {
    return DType::F16;
  } else if constexpr (std::is_same_v<U, std::int64_t>) {
    return DType::I64;
  } else if constexpr (std::is_same_v<U, std::int32_t>) {
    return DType::I32;
  } else if constexpr (std::is_same_v<U, std::int8_t>) {
    return DType::I8;
  } else if constexpr (std::is_same_v<U, bool>) {
    return DType::Bool;
  } else {
    static_assert(std::is_same_v<U, std::uint8_t>, "no DType for this element type");
    return DType::U8;
  }
}

}  // namespace cajal
