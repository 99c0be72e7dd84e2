#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/cpu/vjp_kernels.cc"
#include "ops/cpu/vjp_kernels.h"

#include <algorithm>

#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

#include "ops/cpu/math_inl.h"
#include "ops/cpu/row_kernels.h"
#include "ops/cpu/simd_inl.h"

HWY_BEFORE_NAMESPACE();
namespace cajal::cpu::HWY_NAMESPACE {
namespace {

/// A value and its derivative.
struct Dual {
  Vector value;
  Vector slope;
};

/// x sigmoid(u) with du = u'(x).
HWY_INLINE Dual swish(Vector x, Vector u, Vector du) {
  const Vector s = sigmoid(u);
  const Vector value = hn::Mul(x, s);
  return {value, hn::MulAdd(hn::Mul(value, hn::Sub(broadcast(1.0F), s)), du, s)};
}

HWY_INLINE Dual gelu_tanh_dual(Vector x) {
  const Vector square = hn::Mul(x, x);
  const Vector factor = broadcast(1.59576912F);  // 2 sqrt(2 / pi)
  const Vector one = broadcast(1.0F);
  const Vector cubic = hn::MulAdd(square, broadcast(0.044715F), one);
  const Vector slope = hn::MulAdd(square, broadcast(0.134145F), one);
  return swish(x, hn::Mul(hn::Mul(x, cubic), factor), hn::Mul(slope, factor));
}

HWY_INLINE Dual gelu_erf_dual(Vector x) {
  const NormalTail tail = normal_tail(hn::Abs(x));
  const Vector below = hn::IfThenElse(hn::Lt(x, hn::Zero(Floats())), tail.probability,
                                      hn::Sub(broadcast(1.0F), tail.probability));
  const Vector density = hn::Mul(tail.decay, broadcast(0.39894228F));  // e^(-x^2/2) / sqrt(2 pi)
  return {hn::Mul(x, below), hn::MulAdd(x, density, below)};
}

HWY_INLINE Dual relu_dual(Vector x) {
  const Vector one =
      hn::IfThenElse(hn::Le(x, hn::Zero(Floats())), hn::Zero(Floats()), broadcast(1.0F));
  return {relu(x), one};
}

/// Calls use(f) with the activation and its derivative as a function of vectors.
template <typename Use>
HWY_INLINE void with_dual(Activation kind, const Use& use) {
  switch (kind) {
    case Activation::GeluErf:
      return use([](Vector x) { return gelu_erf_dual(x); });
    case Activation::GeluTanh:
      return use([](Vector x) { return gelu_tanh_dual(x); });
    case Activation::Silu:
      return use([](Vector x) { return swish(x, x, broadcast(1.0F)); });
    case Activation::Relu:
      return use([](Vector x) { return relu_dual(x); });
    case Activation::ReluSquared:
      return use([](Vector x) {
        const Vector y = relu(x);
        return Dual{hn::Mul(y, y), hn::Add(y, y)};
      });
  }
}

void activate_vjp(Activation kind, const float* in, const float* dy, std::size_t count, float* dx) {
  with_dual(kind, [&](const auto& f) {
    map_many<2, 1>(count, {in, dy}, {dx}, [&](const Vector(&x)[2], Vector(&y)[1]) {
      y[0] = hn::Mul(x[1], f(x[0]).slope);
    });
  });
}

void activate_gated_vjp(Activation kind, const float* gate, const float* up, const float* dy,
                        std::size_t count, float* dgate, float* dup) {
  with_dual(kind, [&](const auto& f) {
    map_many<3, 2>(count, {gate, up, dy}, {dgate, dup}, [&](const Vector(&x)[3], Vector(&y)[2]) {
      const Dual gated = f(x[0]);
      y[0] = hn::Mul(hn::Mul(x[2], x[1]), gated.slope);
      y[1] = hn::Mul(x[2], gated.value);
    });
  });
}

void clamped_glu_vjp(const ClampedGlu& glu, const float* gate, const float* up, const float* dy,
                     std::size_t count, float* dgate, float* dup) {
  const Vector most = broadcast(glu.limit);
  const Vector alpha = broadcast(glu.alpha);
  const Vector zero = hn::Zero(Floats());
  map_many<3, 2>(count, {gate, up, dy}, {dgate, dup}, [&](const Vector(&x)[3], Vector(&y)[2]) {
    const Vector g = hn::Min(x[0], most);
    const Vector u = hn::Max(hn::Min(x[1], most), hn::Neg(most));
    const Dual gated = swish(g, hn::Mul(alpha, g), alpha);
    const Vector scaled = hn::MulAdd(x[2], u, x[2]);
    y[0] = hn::IfThenElse(hn::Gt(x[0], most), zero, hn::Mul(scaled, gated.slope));
    y[1] = hn::IfThenElse(hn::Gt(hn::Abs(x[1]), most), zero, hn::Mul(x[2], gated.value));
  });
}

void soft_cap_vjp(const float* out, const float* dy, std::size_t count, float cap, float* dx) {
  const Vector inverse = broadcast(1.0F / cap);
  map_many<2, 1>(count, {out, dy}, {dx}, [&](const Vector(&x)[2], Vector(&y)[1]) {
    const Vector tanh = hn::Mul(x[0], inverse);
    y[0] = hn::Mul(x[1], hn::NegMulAdd(tanh, tanh, broadcast(1.0F)));
  });
}

void clamp_vjp(const float* in, const float* dy, std::size_t count, float limit, float* dx) {
  map_many<2, 1>(count, {in, dy}, {dx}, [&](const Vector(&x)[2], Vector(&y)[1]) {
    y[0] = hn::IfThenElse(hn::Gt(hn::Abs(x[0]), broadcast(limit)), hn::Zero(Floats()), x[1]);
  });
}

/// Sums over a row of g = gain * dy and of g * y, where y is x in standard form.
struct Sums {
  Vector g;
  Vector along;
};

/// The vectors of one place in a row; tails are 0.
struct NormVectors {
  Vector y;
  Vector dy;
  Vector g;
};

template <typename Load>
HWY_INLINE NormVectors norm_vectors(const NormRow& row, const Moments& moments, std::size_t i,
                                    const Load& load_at) {
  const Vector dy = load_at(row.dy + i);
  const Vector centred = hn::Sub(load_at(row.in + i), broadcast(moments.mean));
  return {hn::Mul(centred, broadcast(moments.inverse_deviation)), dy,
          row.gain == nullptr ? dy : hn::Mul(dy, load_at(row.gain + i))};
}

HWY_INLINE Sums norm_sums(const NormRow& row, const Moments& moments) {
  Sums sums[2] = {{broadcast(0.0F), broadcast(0.0F)}, {broadcast(0.0F), broadcast(0.0F)}};
  const auto add = [&](Sums& to, const NormVectors& at) {
    to.g = hn::Add(to.g, at.g);
    to.along = hn::MulAdd(at.g, at.y, to.along);
  };
  const auto load_all = [](const float* p) { return load(p); };
  std::size_t i = 0;
  for (; i + 2 * kLanes <= row.count; i += 2 * kLanes) {
    add(sums[0], norm_vectors(row, moments, i, load_all));
    add(sums[1], norm_vectors(row, moments, i + kLanes, load_all));
  }
  for (; i < row.count; i += kLanes) {
    const std::size_t rest = std::min(kLanes, row.count - i);
    if (rest == kLanes) {
      add(sums[0], norm_vectors(row, moments, i, load_all));
    } else {
      add(sums[1],
          norm_vectors(row, moments, i, [rest](const float* p) { return load_some(p, rest); }));
    }
  }
  return {hn::Add(sums[0].g, sums[1].g), hn::Add(sums[0].along, sums[1].along)};
}

/// One place: dx and what it adds to the gradients of gain and bias.
template <typename Load, typename Store>
HWY_INLINE void norm_place(const NormRow& row, const Moments& moments, Vector mean, Vector along,
                           std::size_t i, const Load& load_at, const Store& store_at) {
  const NormVectors at = norm_vectors(row, moments, i, load_at);
  if (row.dgain != nullptr) {
    store_at(hn::MulAdd(at.dy, at.y, load_at(row.dgain + i)), row.dgain + i);
  }
  if (row.dbias != nullptr) {
    store_at(hn::Add(at.dy, load_at(row.dbias + i)), row.dbias + i);
  }
  if (row.dx != nullptr) {
    const Vector pulled = hn::NegMulAdd(at.y, along, hn::Sub(at.g, mean));
    const Vector scale = broadcast(moments.inverse_deviation);
    store_at(row.add == nullptr ? hn::Mul(pulled, scale)
                                : hn::MulAdd(pulled, scale, load_at(row.add + i)),
             row.dx + i);
  }
}

void normalize_vjp(const NormRow& row, const Moments& moments) {
  const auto count = static_cast<float>(row.count);
  const Sums sums = norm_sums(row, moments);
  const Vector mean = broadcast(row.kind == NormKind::Layer ? sum(sums.g) / count : 0.0F);
  const Vector along = broadcast(row.frozen_scale ? 0.0F : sum(sums.along) / count);
  std::size_t i = 0;
  for (; i + kLanes <= row.count; i += kLanes) {
    norm_place(
        row, moments, mean, along, i, [](const float* p) { return load(p); },
        [](Vector v, float* p) { store(v, p); });
  }
  if (i < row.count) {
    const std::size_t rest = row.count - i;
    norm_place(
        row, moments, mean, along, i, [rest](const float* p) { return load_some(p, rest); },
        [rest](Vector v, float* p) { store_some(v, p, rest); });
  }
}

}  // namespace
}  // namespace cajal::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cajal::cpu {

HWY_EXPORT(activate_vjp);
HWY_EXPORT(activate_gated_vjp);
HWY_EXPORT(clamped_glu_vjp);
HWY_EXPORT(soft_cap_vjp);
HWY_EXPORT(clamp_vjp);
HWY_EXPORT(normalize_vjp);

void activate_vjp(Activation kind, const float* in, const float* dy, std::size_t count, float* dx) {
  HWY_DYNAMIC_DISPATCH(activate_vjp)(kind, in, dy, count, dx);
}

void activate_gated_vjp(Activation kind, const float* gate, const float* up, const float* dy,
                        std::size_t count, float* dgate, float* dup) {
  HWY_DYNAMIC_DISPATCH(activate_gated_vjp)(kind, gate, up, dy, count, dgate, dup);
}

void clamped_glu_vjp(const ClampedGlu& glu, const float* gate, const float* up, const float* dy,
                     std::size_t count, float* dgate, float* dup) {
  HWY_DYNAMIC_DISPATCH(clamped_glu_vjp)(glu, gate, up, dy, count, dgate, dup);
}

void soft_cap_vjp(const float* out, const float* dy, std::size_t count, float cap, float* dx) {
  HWY_DYNAMIC_DISPATCH(soft_cap_vjp)(out, dy, count, cap, dx);
}

void clamp_vjp(const float* in, const float* dy, std::size_t count, float limit, float* dx) {
  HWY_DYNAMIC_DISPATCH(clamp_vjp)(in, dy, count, limit, dx);
}

void normalize_vjp(const NormRow& row) {
  const Moments at = moments(row.kind, row.in, row.count, row.epsilon);
  HWY_DYNAMIC_DISPATCH(normalize_vjp)(row, at);
}

}  // namespace cajal::cpu
#endif
