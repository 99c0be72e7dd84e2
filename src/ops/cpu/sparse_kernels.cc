#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/cpu/sparse_kernels.cc"
#include "ops/cpu/sparse_kernels.h"

#include <algorithm>

#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

#include "ops/cpu/simd_inl.h"

HWY_BEFORE_NAMESPACE();
namespace cajal::cpu::HWY_NAMESPACE {
namespace {

constexpr std::size_t kAtOnce = 4;  // rows: their streams of memory hide each other's latency

/// The place of a row, and what it counts.
template <typename T>
struct Share {
  const T* row = nullptr;
  float value = 0.0F;
};

/// The next N rows, from i on; those that are missing count 0.
template <std::size_t N, typename T>
HWY_INLINE void pick(const Table<T>& table, std::span<const std::uint32_t> rows,
                     const double* values, std::size_t i, Share<T> (&out)[N]) {
  for (std::size_t j = 0; j < N; ++j) {
    out[j] = {table.data + rows[i + j] * table.stride,
              values == nullptr ? 0.0F : static_cast<float>(values[i + j])};
  }
}

/// out = begin + sum of N rows, by vectors.
template <std::size_t N, typename T>
HWY_INLINE void add_some(const Share<T> (&shares)[N], std::size_t count, bool accumulate,
                         float* out) {
  const auto sum_at = [&](const auto& load_part, Vector sum) {
    for (std::size_t j = 0; j < N; ++j) {
      sum = hn::MulAdd(broadcast(shares[j].value), load_part(shares[j].row), sum);
    }
    return sum;
  };
  std::size_t c = 0;
  for (; c + kLanes <= count; c += kLanes) {
    const Vector before = accumulate ? load(out + c) : hn::Zero(Floats());
    store(sum_at([&](const T* row) { return load(row + c); }, before), out + c);
  }
  if (c < count) {
    const Vector before = accumulate ? load_some(out + c, count - c) : hn::Zero(Floats());
    store_some(sum_at([&](const T* row) { return load_some(row + c, count - c); }, before), out + c,
               count - c);
  }
}

template <typename T>
HWY_INLINE void add_rows_of(const Table<T>& table, std::span<const std::uint32_t> rows,
                            const double* values, bool accumulate, float* out) {
  std::size_t i = 0;
  for (; i + kAtOnce <= rows.size(); i += kAtOnce) {
    Share<T> shares[kAtOnce];
    pick(table, rows, values, i, shares);
    add_some(shares, table.count, accumulate || i != 0, out);
  }
  for (; i < rows.size(); ++i) {
    Share<T> shares[1];
    pick(table, rows, values, i, shares);
    add_some(shares, table.count, accumulate || i != 0, out);
  }
  if (rows.empty() && !accumulate) {
    std::fill(out, out + table.count, 0.0F);
  }
}

/// <a, row> of N rows. Two sums a row hide the latency of additions.
template <std::size_t N, typename T>
HWY_INLINE void dot_some(const Share<T> (&shares)[N], std::size_t count, const float* a,
                         double* out) {
  Vector sums[N][2];
  for (auto& pair : sums) {
    pair[0] = pair[1] = hn::Zero(Floats());
  }
  std::size_t c = 0;
  for (; c + 2 * kLanes <= count; c += 2 * kLanes) {
    for (std::size_t part = 0; part < 2; ++part) {
      const Vector x = load(a + c + part * kLanes);
      for (std::size_t j = 0; j < N; ++j) {
        sums[j][part] = hn::MulAdd(x, load(shares[j].row + c + part * kLanes), sums[j][part]);
      }
    }
  }
  for (; c < count; c += kLanes) {
    const std::size_t left = std::min(kLanes, count - c);
    const Vector x = load_some(a + c, left);
    for (std::size_t j = 0; j < N; ++j) {
      sums[j][0] = hn::MulAdd(x, load_some(shares[j].row + c, left), sums[j][0]);
    }
  }
  for (std::size_t j = 0; j < N; ++j) {
    out[j] = static_cast<double>(sum(hn::Add(sums[j][0], sums[j][1])));
  }
}

template <typename T>
HWY_INLINE void dot_rows_of(const Table<T>& table, std::span<const std::uint32_t> rows,
                            const float* a, double* out) {
  std::size_t i = 0;
  for (; i + kAtOnce <= rows.size(); i += kAtOnce) {
    Share<T> shares[kAtOnce];
    pick(table, rows, nullptr, i, shares);
    dot_some(shares, table.count, a, out + i);
  }
  for (; i < rows.size(); ++i) {
    Share<T> shares[1];
    pick(table, rows, nullptr, i, shares);
    dot_some(shares, table.count, a, out + i);
  }
}

void add_rows_f32(const Table<float>& table, std::span<const std::uint32_t> rows,
                  const double* values, bool accumulate, float* out) {
  add_rows_of(table, rows, values, accumulate, out);
}
void add_rows_bf16(const Table<BFloat16>& table, std::span<const std::uint32_t> rows,
                   const double* values, bool accumulate, float* out) {
  add_rows_of(table, rows, values, accumulate, out);
}
void dot_rows_f32(const Table<float>& table, std::span<const std::uint32_t> rows, const float* a,
                  double* out) {
  dot_rows_of(table, rows, a, out);
}
void dot_rows_bf16(const Table<BFloat16>& table, std::span<const std::uint32_t> rows,
                   const float* a, double* out) {
  dot_rows_of(table, rows, a, out);
}

std::size_t scan_above(const float* in, const float* scales, const float* floors, float bound,
                       std::size_t count, std::uint32_t* out) {
  const Words words;
  std::size_t found = 0;
  std::size_t i = 0;
  const auto rank = [&](Vector x) { return scales == nullptr ? x : hn::Mul(x, load(scales + i)); };
  for (; i + kLanes <= count; i += kLanes) {
    const Vector x = load(in + i);
    auto high = hn::Gt(rank(x), broadcast(bound));
    if (floors != nullptr) {
      high = hn::And(high, hn::Gt(x, load(floors + i)));
    }
    if (!hn::AllFalse(Floats(), high)) {
      const auto indices = hn::Iota(words, static_cast<std::uint32_t>(i));
      found += hn::CompressStore(indices, hn::RebindMask(words, high), words, out + found);
    }
  }
  for (; i < count; ++i) {
    const float x = in[i];
    const bool high = (scales == nullptr ? x : x * scales[i]) > bound;
    if (high && (floors == nullptr || x > floors[i])) {
      out[found++] = static_cast<std::uint32_t>(i);
    }
  }
  return found;
}

}  // namespace
}  // namespace cajal::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cajal::cpu {

HWY_EXPORT(add_rows_f32);
HWY_EXPORT(add_rows_bf16);
HWY_EXPORT(dot_rows_f32);
HWY_EXPORT(dot_rows_bf16);
HWY_EXPORT(scan_above);

void add_rows(const Table<float>& table, std::span<const std::uint32_t> rows, const double* values,
              bool accumulate, float* out) {
  HWY_DYNAMIC_DISPATCH(add_rows_f32)(table, rows, values, accumulate, out);
}

void add_rows(const Table<BFloat16>& table, std::span<const std::uint32_t> rows,
              const double* values, bool accumulate, float* out) {
  HWY_DYNAMIC_DISPATCH(add_rows_bf16)(table, rows, values, accumulate, out);
}

void dot_rows(const Table<float>& table, std::span<const std::uint32_t> rows, const float* a,
              double* out) {
  HWY_DYNAMIC_DISPATCH(dot_rows_f32)(table, rows, a, out);
}

void dot_rows(const Table<BFloat16>& table, std::span<const std::uint32_t> rows, const float* a,
              double* out) {
  HWY_DYNAMIC_DISPATCH(dot_rows_bf16)(table, rows, a, out);
}

std::size_t scan_above(const float* in, const float* scales, const float* floors, float bound,
                       std::size_t count, std::uint32_t* out) {
  return HWY_DYNAMIC_DISPATCH(scan_above)(in, scales, floors, bound, count, out);
}

}  // namespace cajal::cpu
#endif
