#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/cpu/training_kernels.cc"
#include "ops/cpu/training_kernels.h"

#include <algorithm>

#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

#include "ops/cpu/math_inl.h"
#include "ops/cpu/simd_inl.h"

HWY_BEFORE_NAMESPACE();
namespace cajal::cpu::HWY_NAMESPACE {
namespace {

#if HWY_TARGET == HWY_SCALAR
using Doubles = hn::CappedTag<double, 1>;
using HalfFloats = hn::CappedTag<float, 1>;
constexpr std::size_t kDoubles = 1;
#else
using Doubles = hn::Repartition<double, Floats>;
using HalfFloats = hn::Rebind<float, Doubles>;
constexpr std::size_t kDoubles = kLanes / 2;
#endif

/// The sum of f(x[i]) in double; four sums hide the latency of additions.
template <typename F>
HWY_INLINE double sum_in_double(const float* in, std::size_t count, const F& f) {
  const Doubles d;
  using Wide = hn::Vec<Doubles>;
  Wide sums[4] = {hn::Zero(d), hn::Zero(d), hn::Zero(d), hn::Zero(d)};
  std::size_t i = 0;
  for (; i + 4 * kDoubles <= count; i += 4 * kDoubles) {
    for (std::size_t part = 0; part < 4; ++part) {
      const auto x = hn::PromoteTo(d, hn::LoadU(HalfFloats(), in + i + part * kDoubles));
      sums[part] = f(x, sums[part]);
    }
  }
  float rest[4 * kDoubles] = {};
  std::memcpy(rest, in + i, (count - i) * sizeof(float));
  for (std::size_t part = 0; part < 4; ++part) {
    sums[part] = f(hn::PromoteTo(d, hn::LoadU(HalfFloats(), rest + part * kDoubles)), sums[part]);
  }
  return hn::GetLane(
      hn::SumOfLanes(d, hn::Add(hn::Add(sums[0], sums[1]), hn::Add(sums[2], sums[3]))));
}

double sum_of_squares(const float* in, std::size_t count) {
  return sum_in_double(in, count, [](auto x, auto sum) { return hn::MulAdd(x, x, sum); });
}

float largest_of(const float* in, std::size_t count) {
  float largest = in[0];
  Vector most = broadcast(largest);
  std::size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    most = hn::Max(most, load(in + i));
  }
  for (; i < count; ++i) {
    largest = std::max(largest, in[i]);
  }
  return std::max(largest, hn::GetLane(hn::MaxOfLanes(Floats(), most)));
}

double exponentials(const float* in, float largest, std::size_t count, float* out) {
  map(count, in, out, [&](Vector x) { return exp(hn::Sub(x, broadcast(largest))); });
  return sum_in_double(out, count, [](auto x, auto sum) { return hn::Add(x, sum); });
}

void adamw_step(const AdamW& step, const float* g, std::size_t count, float* p, float* m,
                float* v) {
  map_many<4, 3>(count, {g, p, m, v}, {p, m, v}, [&](const Vector(&x)[4], Vector(&y)[3]) {
    const Vector clipped = hn::Mul(x[0], broadcast(step.clip));
    y[1] = hn::MulAdd(x[2], broadcast(step.beta1), hn::Mul(clipped, broadcast(step.rest1)));
    const Vector square = hn::Mul(clipped, clipped);
    y[2] = hn::MulAdd(x[3], broadcast(step.beta2), hn::Mul(square, broadcast(step.rest2)));
    const Vector size =
        hn::MulAdd(hn::Sqrt(y[2]), broadcast(step.inverse), broadcast(step.epsilon));
    const Vector move = hn::Div(hn::Mul(y[1], broadcast(step.rate)), size);
    y[0] = hn::Sub(hn::NegMulAdd(x[1], broadcast(step.decay), x[1]), move);
  });
}

}  // namespace
}  // namespace cajal::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cajal::cpu {

HWY_EXPORT(largest_of);
HWY_EXPORT(sum_of_squares);
HWY_EXPORT(exponentials);
HWY_EXPORT(adamw_step);

float largest_of(const float* in, std::size_t count) {
  return HWY_DYNAMIC_DISPATCH(largest_of)(in, count);
}

double exponentials(const float* in, float largest, std::size_t count, float* out) {
  return HWY_DYNAMIC_DISPATCH(exponentials)(in, largest, count, out);
}

double sum_of_squares(const float* in, std::size_t count) {
  return HWY_DYNAMIC_DISPATCH(sum_of_squares)(in, count);
}

void adamw_step(const AdamW& step, const float* g, std::size_t count, float* p, float* m,
                float* v) {
  HWY_DYNAMIC_DISPATCH(adamw_step)(step, g, count, p, m, v);
}

}  // namespace cajal::cpu
#endif
