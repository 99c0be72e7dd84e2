// What the kernels of this folder share. Included once per instruction set: see Highway's
// foreach_target.h for the guard and the namespaces.
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <hwy/highway.h>

#include "tensor/dtype.h"

#if defined(CAJAL_OPS_CPU_SIMD_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef CAJAL_OPS_CPU_SIMD_INL_H
#undef CAJAL_OPS_CPU_SIMD_INL_H
#else
#define CAJAL_OPS_CPU_SIMD_INL_H
#endif

HWY_BEFORE_NAMESPACE();
namespace cajal::cpu::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using Floats = hn::ScalableTag<float>;
using Vector = hn::Vec<Floats>;
using Ints = hn::RebindToSigned<Floats>;
using Words = hn::RebindToUnsigned<Floats>;
using Halves = hn::Rebind<std::uint16_t, Floats>;

inline constexpr std::size_t kLanes = hn::MaxLanes(Floats());

HWY_INLINE Vector load(const float* p) {
  return hn::LoadU(Floats(), p);
}
HWY_INLINE Vector load(const BFloat16* p) {
  const auto bits = hn::PromoteTo(Words(), hn::LoadU(Halves(), &p->bits));
  return hn::BitCast(Floats(), hn::ShiftLeft<16>(bits));
}
HWY_INLINE Vector load(const Float16* p) {
#if HWY_TARGET == HWY_SCALAR
  return hn::Set(Floats(), widen(*p));
#else
  const hn::Rebind<hwy::float16_t, Floats> halves;
  return hn::PromoteTo(Floats(), hn::BitCast(halves, hn::LoadU(Halves(), &p->bits)));
#endif
}

/// The first `count` < kLanes elements, then zeros; reads no others.
template <typename T>
HWY_INLINE Vector load_some(const T* p, std::size_t count) {
  T lanes[kLanes] = {};
  std::memcpy(lanes, p, count * sizeof(T));
  return load(lanes);
}

HWY_INLINE void store(Vector v, float* p) {
  hn::StoreU(v, Floats(), p);
}
HWY_INLINE void store_some(Vector v, float* p, std::size_t count) {
  float lanes[kLanes];
  store(v, lanes);
  std::memcpy(p, lanes, count * sizeof(float));
}

HWY_INLINE Vector broadcast(float x) {
  return hn::Set(Floats(), x);
}
HWY_INLINE float sum(Vector v) {
  return hn::GetLane(hn::SumOfLanes(Floats(), v));
}

/// out[i] = f(in[i]) by vectors; `out` may be `in`.
template <typename F>
HWY_INLINE void map(std::size_t count, const float* in, float* out, const F& f) {
  std::size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    store(f(load(in + i)), out + i);
  }
  if (i < count) {
    store_some(f(load_some(in + i, count - i)), out + i, count - i);
  }
}

/// out[i] = f(a[i], b[i]) by vectors; `out` may be either.
template <typename A, typename F>
HWY_INLINE void map(std::size_t count, const A* a, const float* b, float* out, const F& f) {
  std::size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    store(f(load(a + i), load(b + i)), out + i);
  }
  if (i < count) {
    store_some(f(load_some(a + i, count - i), load_some(b + i, count - i)), out + i, count - i);
  }
}

/// y[j][i] = f(x[0][i], x[1][i], ...) for all j by vectors; each y may be one of the x.
template <std::size_t N, std::size_t M, typename F>
HWY_INLINE void map_many(std::size_t count, const float* const (&x)[N], float* const (&y)[M],
                         const F& f) {
  Vector in[N];
  Vector out[M];
  std::size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (std::size_t j = 0; j < N; ++j) {
      in[j] = load(x[j] + i);
    }
    f(in, out);
    for (std::size_t j = 0; j < M; ++j) {
      store(out[j], y[j] + i);
    }
  }
  if (i < count) {
    for (std::size_t j = 0; j < N; ++j) {
      in[j] = load_some(x[j] + i, count - i);
    }
    f(in, out);
    for (std::size_t j = 0; j < M; ++j) {
      store_some(out[j], y[j] + i, count - i);
    }
  }
}

}  // namespace cajal::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
