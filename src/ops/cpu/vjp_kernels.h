// Gradients of elementwise functions and norms, the loss and the optimiser, on f32 by vectors.
#pragma once

#include <cstddef>

#include "ops/rows_vjp.h"
#include "tensor/dtype.h"

namespace cajal::cpu {

/// Each output may be one of the inputs.
void activate_vjp(Activation kind, const float* in, const float* dy, std::size_t count, float* dx);
void activate_gated_vjp(Activation kind, const float* gate, const float* up, const float* dy,
                        std::size_t count, float* dgate, float* dup);
struct ClampedGlu {
  float alpha = 1.0F;
  float limit = 0.0F;
};
void clamped_glu_vjp(const ClampedGlu& glu, const float* gate, const float* up, const float* dy,
                     std::size_t count, float* dgate, float* dup);
void soft_cap_vjp(const float* out, const float* dy, std::size_t count, float cap, float* dx);
void clamp_vjp(const float* in, const float* dy, std::size_t count, float limit, float* dx);

/// One row of normalize_vjp. Absent: nullptr. dgain and dbias are added to.
struct NormRow {
  const float* in = nullptr;
  const float* gain = nullptr;  // with its offset
  const float* dy = nullptr;
  const float* add = nullptr;
  float* dx = nullptr;
  float* dgain = nullptr;
  float* dbias = nullptr;
  std::size_t count = 0;
  NormKind kind = NormKind::Rms;
  double epsilon = 0;
  bool frozen_scale = false;
};
void normalize_vjp(const NormRow& row);

/// out = e^(in - largest); returns what the loss needs of the row.
struct ExpRow {
  float largest = 0.0F;
  double sum = 0.0;  // of `out`
};
ExpRow exponentials(const float* in, std::size_t count, float* out);

/// In double.
double sum_of_squares(const float* in, std::size_t count);

/// Constants of a step of AdamW, as they enter each element.
struct AdamW {
  float clip = 1.0F;
  float decay = 0.0F;  // lr decay; p - p * decay keeps digits that p * (1 - decay) would not
  float beta1 = 0.0F, rest1 = 0.0F;
  float beta2 = 0.0F, rest2 = 0.0F;
  float rate = 0.0F;     // lr / correction1
  float inverse = 1.0F;  // 1 / sqrt(correction2)
  float epsilon = 0.0F;
};
void adamw_step(const AdamW& step, const float* g, std::size_t count, float* p, float* m, float* v);

}  // namespace cajal::cpu
