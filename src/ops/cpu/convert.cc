#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/cpu/convert.cc"
#include "ops/cpu/convert.h"

#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

#include "ops/cpu/simd_inl.h"

HWY_BEFORE_NAMESPACE();
namespace cajal::cpu::HWY_NAMESPACE {
namespace {

template <typename T>
void widen_all(const T* in, std::size_t count, float* out) {
  std::size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    store(load(in + i), out + i);
  }
  if (i < count) {
    store_some(load_some(in + i, count - i), out + i, count - i);
  }
}

void widen_bf16(const BFloat16* in, std::size_t count, float* out) {
  widen_all(in, count, out);
}

void widen_f16(const Float16* in, std::size_t count, float* out) {
  widen_all(in, count, out);
}

using Bits = hn::Vec<Words>;

/// The upper 16 bits after rounding; the lower are 0.
HWY_INLINE Bits rounded(Vector x) {
  const Bits bits = hn::BitCast(Words(), x);
  const Bits odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(Words(), 1));
  const Bits nearest = hn::Add(bits, hn::Add(odd, hn::Set(Words(), 0x7FFF)));
  const Bits quiet = hn::Or(bits, hn::Set(Words(), 0x400000));
  const auto number = hn::RebindMask(Words(), hn::Eq(x, x));
  return hn::And(hn::IfThenElse(number, nearest, quiet), hn::Set(Words(), 0xFFFF0000U));
}

HWY_INLINE void store_halves(Bits bits, BFloat16* out) {
  const auto upper = hn::BitCast(Ints(), hn::ShiftRight<16>(bits));
  hn::StoreU(hn::DemoteTo(Halves(), upper), Halves(), &out->bits);
}

HWY_INLINE void split_vector(Vector x, BFloat16* high, BFloat16* low) {
  const Bits upper = rounded(x);
  store_halves(upper, high);
  store_halves(rounded(hn::Sub(x, hn::BitCast(Floats(), upper))), low);
}

void round_to_bf16(const float* in, std::size_t count, BFloat16* out) {
  std::size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    store_halves(rounded(load(in + i)), out + i);
  }
  if (i < count) {
    BFloat16 lanes[kLanes];
    store_halves(rounded(load_some(in + i, count - i)), lanes);
    std::memcpy(out + i, lanes, (count - i) * sizeof(BFloat16));
  }
}

void split_in_bf16(const float* in, std::size_t count, BFloat16* high, BFloat16* low) {
  std::size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    split_vector(load(in + i), high + i, low + i);
  }
  if (i < count) {
    BFloat16 lanes[2][kLanes];
    split_vector(load_some(in + i, count - i), lanes[0], lanes[1]);
    std::memcpy(high + i, lanes[0], (count - i) * sizeof(BFloat16));
    std::memcpy(low + i, lanes[1], (count - i) * sizeof(BFloat16));
  }
}

}  // namespace
}  // namespace cajal::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cajal::cpu {

HWY_EXPORT(widen_bf16);
HWY_EXPORT(widen_f16);
HWY_EXPORT(round_to_bf16);
HWY_EXPORT(split_in_bf16);

void to_floats(DType dtype, const std::byte* in, std::size_t count, float* out) {
  if (dtype == DType::BF16) {
    HWY_DYNAMIC_DISPATCH(widen_bf16)(reinterpret_cast<const BFloat16*>(in), count, out);
  } else if (dtype == DType::F16) {
    HWY_DYNAMIC_DISPATCH(widen_f16)(reinterpret_cast<const Float16*>(in), count, out);
  } else if (dtype == DType::F32) {
    std::memcpy(out, in, count * sizeof(float));
  } else {
    const auto* doubles = reinterpret_cast<const double*>(in);
    for (std::size_t i = 0; i < count; ++i) {
      out[i] = static_cast<float>(doubles[i]);
    }
  }
}

void round_to_bf16(const float* in, std::size_t count, BFloat16* out) {
  HWY_DYNAMIC_DISPATCH(round_to_bf16)(in, count, out);
}

void split_in_bf16(const float* in, std::size_t count, BFloat16* high, BFloat16* low) {
  HWY_DYNAMIC_DISPATCH(split_in_bf16)(in, count, high, low);
}

}  // namespace cajal::cpu
#endif
