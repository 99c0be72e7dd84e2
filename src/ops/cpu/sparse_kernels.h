// Kernels of sparse products and selections on one row, by vectors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "tensor/dtype.h"

namespace cajal::cpu {

/// Rows of a table: `count` columns each, `stride` elements apart.
template <typename T>
struct Table {
  const T* data = nullptr;
  std::size_t stride = 0;
  std::size_t count = 0;
};

/// out = sum of values[i] * row rows[i], or += it.
void add_rows(const Table<float>& table, std::span<const std::uint32_t> rows, const double* values,
              bool accumulate, float* out);
void add_rows(const Table<BFloat16>& table, std::span<const std::uint32_t> rows,
              const double* values, bool accumulate, float* out);
/// out[i] = <a, row rows[i]>.
void dot_rows(const Table<float>& table, std::span<const std::uint32_t> rows, const float* a,
              double* out);
void dot_rows(const Table<BFloat16>& table, std::span<const std::uint32_t> rows, const float* a,
              double* out);

inline constexpr std::size_t kScanSlack = 64;

/// Indices i < count where in[i] * scales[i] > bound and in[i] > floors[i], ascending, into `out`,
/// which has room for count + kScanSlack; returns how many. Without scales or floors: nullptr.
std::size_t scan_above(const float* in, const float* scales, const float* floors, float bound,
                       std::size_t count, std::uint32_t* out);

}  // namespace cajal::cpu
