#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/cpu/row_kernels.cc"
#include "ops/cpu/row_kernels.h"

#include <cmath>

#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

#include "ops/cpu/math_inl.h"
#include "ops/cpu/simd_inl.h"

HWY_BEFORE_NAMESPACE();
namespace cajal::cpu::HWY_NAMESPACE {
namespace {

/// Calls use(f) with the activation as a function of vectors.
template <typename Use>
HWY_INLINE void with_activation(Activation kind, const Use& use) {
  switch (kind) {
    case Activation::GeluErf:
      return use([](Vector x) { return gelu_erf(x); });
    case Activation::GeluTanh:
      return use([](Vector x) { return gelu_tanh(x); });
    case Activation::Silu:
      return use([](Vector x) { return silu(x); });
    case Activation::Relu:
      return use([](Vector x) { return relu(x); });
    case Activation::ReluSquared:
      return use([](Vector x) {
        const Vector y = relu(x);
        return hn::Mul(y, y);
      });
  }
}

void activate(Activation kind, const float* in, std::size_t count, float* out) {
  with_activation(kind, [&](const auto& f) { map(count, in, out, f); });
}

void activate_gated(Activation kind, const float* gate, const float* up, std::size_t count,
                    float* out) {
  with_activation(kind, [&](const auto& f) {
    map(count, gate, up, out, [&](Vector g, Vector u) { return hn::Mul(f(g), u); });
  });
}

/// NaN stays NaN.
HWY_INLINE Vector at_most(Vector x, Vector limit) {
  return hn::IfThenElse(hn::Lt(limit, x), limit, x);
}
HWY_INLINE Vector at_least(Vector x, Vector limit) {
  return hn::IfThenElse(hn::Lt(x, limit), limit, x);
}

void clamped_glu(const float* gate, const float* up, std::size_t count, float alpha, float limit,
                 float* out) {
  const Vector most = broadcast(limit);
  const Vector least = broadcast(-limit);
  map(count, gate, up, out, [&](Vector gate_values, Vector up_values) {
    const Vector g = at_most(gate_values, most);
    const Vector u = at_least(at_most(up_values, most), least);
    const Vector glu = hn::Mul(g, sigmoid(hn::Mul(broadcast(alpha), g)));
    return hn::Mul(hn::Add(u, broadcast(1.0F)), glu);
  });
}

void add_scaled(const float* a, const float* b, std::size_t count, float factor, float* out) {
  map(count, a, b, out, [&](Vector x, Vector y) { return hn::MulAdd(broadcast(factor), y, x); });
}

void scale(const float* in, std::size_t count, float factor, float* out) {
  map(count, in, out, [&](Vector x) { return hn::Mul(x, broadcast(factor)); });
}

void soft_cap(const float* in, std::size_t count, float cap, float* out) {
  map(count, in, out,
      [&](Vector x) { return hn::Mul(broadcast(cap), tanh(hn::Div(x, broadcast(cap)))); });
}

void clamp(const float* in, std::size_t count, float limit, float* out) {
  map(count, in, out,
      [&](Vector x) { return at_least(at_most(x, broadcast(limit)), broadcast(-limit)); });
}

void combine(const float* in, const float* bias, std::size_t count, float alpha, float beta,
             float* out) {
  const auto scaled = [&](Vector x, Vector y) {
    return beta == 0.0F ? hn::Mul(x, broadcast(alpha))  // what `out` held is not read as a number
                        : hn::MulAdd(y, broadcast(beta), hn::Mul(x, broadcast(alpha)));
  };
  map(count, in, out, out, scaled);
  if (bias != nullptr) {
    map(count, bias, out, out, [](Vector b, Vector y) { return hn::Add(b, y); });
  }
}

/// The sum of f(x[i]): four sums hide the latency of additions.
template <typename F>
HWY_INLINE float sum_of(const float* in, std::size_t count, const F& f) {
  Vector sums[4] = {broadcast(0.0F), broadcast(0.0F), broadcast(0.0F), broadcast(0.0F)};
  std::size_t i = 0;
  for (; i + 4 * kLanes <= count; i += 4 * kLanes) {
    for (std::size_t part = 0; part < 4; ++part) {
      sums[part] = hn::Add(sums[part], f(load(in + i + part * kLanes)));
    }
  }
  for (; i + kLanes <= count; i += kLanes) {
    sums[0] = hn::Add(sums[0], f(load(in + i)));
  }
  if (i < count) {
    const auto inside = hn::FirstN(Floats(), count - i);
    sums[1] = hn::Add(sums[1], hn::IfThenElseZero(inside, f(load_some(in + i, count - i))));
  }
  return sum(hn::Add(hn::Add(sums[0], sums[1]), hn::Add(sums[2], sums[3])));
}

Moments find_moments(NormKind kind, const float* in, std::size_t count, double epsilon) {
  const auto size = static_cast<float>(count);
  const float mean =
      kind == NormKind::Layer ? sum_of(in, count, [](Vector x) { return x; }) / size : 0.0F;
  const float squares = sum_of(in, count, [&](Vector x) {
    const Vector centred = hn::Sub(x, broadcast(mean));
    return hn::Mul(centred, centred);
  });
  const double variance = static_cast<double>(squares) / static_cast<double>(size);
  return {mean, static_cast<float>(1.0 / std::sqrt(variance + epsilon))};
}

void standardize(const Moments& moments, const float* in, std::size_t count, float* normalized) {
  map(count, in, normalized, [&](Vector x) {
    return hn::Mul(hn::Sub(x, broadcast(moments.mean)), broadcast(moments.inverse_deviation));
  });
}

void gain_and_bias(const float* in, const float* gain, const float* bias, std::size_t count,
                   float* out) {
  if (gain != nullptr) {
    map(count, gain, in, out, [](Vector g, Vector x) { return hn::Mul(g, x); });
    in = out;
  }
  if (bias != nullptr) {
    map(count, bias, in, out, [](Vector b, Vector x) { return hn::Add(b, x); });
  } else if (in != out) {
    std::memcpy(out, in, count * sizeof(float));
  }
}

void rotate_halves(float* first, float* second, const float* cos, const float* sin,
                   std::size_t pairs) {
  std::size_t i = 0;
  for (; i + kLanes <= pairs; i += kLanes) {
    const Vector u = load(first + i);
    const Vector v = load(second + i);
    const Vector c = load(cos + i);
    const Vector s = load(sin + i);
    store(hn::NegMulAdd(v, s, hn::Mul(u, c)), first + i);
    store(hn::MulAdd(u, s, hn::Mul(v, c)), second + i);
  }
  for (; i < pairs; ++i) {
    const float u = first[i];
    const float v = second[i];
    first[i] = u * cos[i] - v * sin[i];
    second[i] = v * cos[i] + u * sin[i];
  }
}

void rotate_neighbours(float* x, const float* cos, const float* sin, std::size_t pairs, bool back) {
  for (std::size_t i = 0; i < pairs; ++i) {
    const float u = x[2 * i];
    const float v = x[2 * i + 1];
    const float s = back ? -sin[i] : sin[i];
    x[2 * i] = u * cos[i] - v * s;
    x[2 * i + 1] = v * cos[i] + u * s;
  }
}

}  // namespace
}  // namespace cajal::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cajal::cpu {

HWY_EXPORT(activate);
HWY_EXPORT(activate_gated);
HWY_EXPORT(clamped_glu);
HWY_EXPORT(add_scaled);
HWY_EXPORT(scale);
HWY_EXPORT(soft_cap);
HWY_EXPORT(clamp);
HWY_EXPORT(combine);
HWY_EXPORT(find_moments);
HWY_EXPORT(standardize);
HWY_EXPORT(gain_and_bias);
HWY_EXPORT(rotate_halves);
HWY_EXPORT(rotate_neighbours);

void activate(Activation kind, const float* in, std::size_t count, float* out) {
  HWY_DYNAMIC_DISPATCH(activate)(kind, in, count, out);
}

void activate_gated(Activation kind, const float* gate, const float* up, std::size_t count,
                    float* out) {
  HWY_DYNAMIC_DISPATCH(activate_gated)(kind, gate, up, count, out);
}

void clamped_glu(const float* gate, const float* up, std::size_t count, float alpha, float limit,
                 float* out) {
  HWY_DYNAMIC_DISPATCH(clamped_glu)(gate, up, count, alpha, limit, out);
}

void add_scaled(const float* a, const float* b, std::size_t count, float factor, float* out) {
  HWY_DYNAMIC_DISPATCH(add_scaled)(a, b, count, factor, out);
}

void scale(const float* in, std::size_t count, float factor, float* out) {
  HWY_DYNAMIC_DISPATCH(scale)(in, count, factor, out);
}

void soft_cap(const float* in, std::size_t count, float cap, float* out) {
  HWY_DYNAMIC_DISPATCH(soft_cap)(in, count, cap, out);
}

void clamp(const float* in, std::size_t count, float limit, float* out) {
  HWY_DYNAMIC_DISPATCH(clamp)(in, count, limit, out);
}

void combine(const float* in, const float* bias, std::size_t count, float alpha, float beta,
             float* out) {
  HWY_DYNAMIC_DISPATCH(combine)(in, bias, count, alpha, beta, out);
}

Moments moments(NormKind kind, const float* in, std::size_t count, double epsilon) {
  return HWY_DYNAMIC_DISPATCH(find_moments)(kind, in, count, epsilon);
}

void standardize(const Moments& moments, const float* in, std::size_t count, float* normalized) {
  HWY_DYNAMIC_DISPATCH(standardize)(moments, in, count, normalized);
}

void gain_and_bias(const float* in, const float* gain, const float* bias, std::size_t count,
                   float* out) {
  HWY_DYNAMIC_DISPATCH(gain_and_bias)(in, gain, bias, count, out);
}

void rotate_halves(float* first, float* second, const float* cos, const float* sin,
                   std::size_t pairs) {
  HWY_DYNAMIC_DISPATCH(rotate_halves)(first, second, cos, sin, pairs);
}

void rotate_neighbours(float* x, const float* cos, const float* sin, std::size_t pairs, bool back) {
  HWY_DYNAMIC_DISPATCH(rotate_neighbours)(x, cos, sin, pairs, back);
}

}  // namespace cajal::cpu
#endif
