// Gradients of elementwise functions and norms on f32, by vectors.
#pragma once

#include <cstddef>

#include "ops/rows_vjp.h"

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

}  // namespace cajal::cpu
