// Functions of vectors. Errors are in the tests beside (math_test.cc): a few ulp.
#include <numbers>

#include "ops/cpu/simd_inl.h"

#if defined(CAJAL_OPS_CPU_MATH_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef CAJAL_OPS_CPU_MATH_INL_H
#undef CAJAL_OPS_CPU_MATH_INL_H
#else
#define CAJAL_OPS_CPU_MATH_INL_H
#endif

HWY_BEFORE_NAMESPACE();
namespace cajal::cpu::HWY_NAMESPACE {

template <std::size_t N>
HWY_INLINE Vector polynomial(Vector x, const float (&coefficients)[N]) {
  Vector y = broadcast(coefficients[N - 1]);
  for (std::size_t i = N - 1; i-- > 0;) {
    y = hn::MulAdd(y, x, broadcast(coefficients[i]));
  }
  return y;
}

/// 2^n for whole n in [-126, 127].
HWY_INLINE Vector power_of_two(hn::Vec<Ints> n) {
  return hn::BitCast(Floats(), hn::ShiftLeft<23>(hn::Add(n, hn::Set(Ints(), 127))));
}

/// e^x: x = n ln 2 + r, Taylor's series for r (|r| < 0.35, so eight terms leave 5e-9).
/// Subnormals, overflow to infinity and NaN are right.
HWY_INLINE Vector exp(Vector x) {
  const Vector low = broadcast(-104.0F);
  const Vector high = broadcast(89.0F);
  const Vector inside = hn::Min(hn::Max(x, low), high);
  const auto n = hn::NearestInt(hn::Mul(inside, broadcast(std::numbers::log2e_v<float>)));
  const Vector whole = hn::ConvertTo(Floats(), n);
  Vector r = hn::NegMulAdd(whole, broadcast(0x1.62e4p-1F),
                           inside);  // NOLINT(modernize-use-std-numbers): 15 bits of ln 2
  r = hn::NegMulAdd(whole, broadcast(1.42860682e-6F), r);
  const float taylor[] = {1.0F,      1.0F,       1.0F / 2,   1.0F / 6,
                          1.0F / 24, 1.0F / 120, 1.0F / 720, 1.0F / 5040};
  const auto half = hn::ShiftRight<1>(n);  // two factors: 2^n itself may be out of range
  const Vector y =
      hn::Mul(hn::Mul(polynomial(r, taylor), power_of_two(half)), power_of_two(hn::Sub(n, half)));
  return hn::IfThenElse(hn::Eq(x, x), y, x);
}

/// 1 / (1 + e^-x).
HWY_INLINE Vector sigmoid(Vector x) {
  const Vector one = broadcast(1.0F);
  return hn::Div(one, hn::Add(one, exp(hn::Neg(x))));
}

/// tanh: a polynomial below 0.6 (fitted at Chebyshev nodes, error 2.5e-9), exponentials above.
HWY_INLINE Vector tanh(Vector x) {
  const Vector magnitude = hn::Abs(x);
  const Vector square = hn::Mul(x, x);
  const float fitted[] = {0.99999999756F,  -0.33333283972F, 0.13331704702F,
                          -0.05376992178F, 0.02075747542F,  -0.00585642784F};
  const Vector small = hn::Mul(x, polynomial(square, fitted));
  const Vector one = broadcast(1.0F);
  const Vector grown = exp(hn::Add(magnitude, magnitude));
  const Vector large = hn::Sub(one, hn::Div(broadcast(2.0F), hn::Add(grown, one)));
  return hn::IfThenElse(hn::Lt(magnitude, broadcast(0.6F)), small, hn::CopySign(large, x));
}

/// NaN stays NaN.
HWY_INLINE Vector relu(Vector x) {
  return hn::IfThenElse(hn::Lt(x, hn::Zero(Floats())), hn::Zero(Floats()), x);
}

/// Phi(-t) = e^(-t^2/2) R(t) for t >= 0; R, a polynomial in (t - 4) / (t + 4), was fitted at
/// Chebyshev nodes; its error times e^(-t^2/2) is below 4e-9.
struct NormalTail {
  Vector decay;        // e^(-t^2/2)
  Vector probability;  // Phi(-t)
};
HWY_INLINE NormalTail normal_tail(Vector t) {
  const float fitted[] = {0.09441064261F,  -0.17039768947F, 0.12437916006F,   -0.07170805956F,
                          0.03086593711F,  -0.00848834971F, 0.00050258645F,   0.00062987276F,
                          -0.00017711162F, -0.00003577675F, 0.00001878664869F};
  const Vector bounded = hn::Min(t, broadcast(16.0F));  // beyond, e^(-t^2/2) is 0
  const Vector four = broadcast(4.0F);
  const Vector s = hn::Div(hn::Sub(bounded, four), hn::Add(bounded, four));
  const Vector decay = exp(hn::Mul(hn::Mul(bounded, bounded), broadcast(-0.5F)));
  return {decay, hn::Mul(decay, polynomial(s, fitted))};
}

/// x * Phi(x) = max(x, 0) - t Phi(-t), t = |x|.
HWY_INLINE Vector gelu_erf(Vector x) {
  const Vector bounded = hn::Min(hn::Abs(x), broadcast(16.0F));
  return hn::Sub(relu(x), hn::Mul(bounded, normal_tail(bounded).probability));
}

/// 0.5 x (1 + tanh u) = x sigmoid(2u), u = sqrt(2 / pi) (x + 0.044715 x^3).
HWY_INLINE Vector gelu_tanh(Vector x) {
  const Vector cubic = hn::MulAdd(hn::Mul(x, x), broadcast(0.044715F), broadcast(1.0F));
  return hn::Mul(x, sigmoid(hn::Mul(hn::Mul(x, cubic), broadcast(1.59576912F))));
}

HWY_INLINE Vector silu(Vector x) {
  return hn::Mul(x, sigmoid(x));
}

}  // namespace cajal::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
