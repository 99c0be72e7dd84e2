// Elementwise functions and norms of one row, by vectors. In and out may be the same.
#pragma once

#include <cstddef>

#include "ops/rows.h"

namespace cajal::cpu {

void activate(Activation kind, const float* in, std::size_t count, float* out);
/// out = activation(gate) * up.
void activate_gated(Activation kind, const float* gate, const float* up, std::size_t count,
                    float* out);
void clamped_glu(const float* gate, const float* up, std::size_t count, float alpha, float limit,
                 float* out);
/// out = a + factor * b.
void add_scaled(const float* a, const float* b, std::size_t count, float factor, float* out);
void scale(const float* in, std::size_t count, float factor, float* out);
void soft_cap(const float* in, std::size_t count, float cap, float* out);
void clamp(const float* in, std::size_t count, float limit, float* out);
/// out = alpha * in + bias + beta * out; without bias if it is nullptr.
void combine(const float* in, const float* bias, std::size_t count, float alpha, float beta,
             float* out);

struct Moments {
  float mean = 0.0F;
  float inverse_deviation = 0.0F;  // 1 / sqrt(mean((x - mean)^2) + epsilon); Rms: with mean 0
};
Moments moments(NormKind kind, const float* in, std::size_t count, double epsilon);
/// normalized = (in - mean) * inverse_deviation.
void standardize(const Moments& moments, const float* in, std::size_t count, float* normalized);
/// out = in * gain + bias; either may be nullptr.
void gain_and_bias(const float* in, const float* gain, const float* bias, std::size_t count,
                   float* out);

/// Rotates pairs (first[i], second[i]) by the angles of (cos[i], sin[i]).
void rotate_halves(float* first, float* second, const float* cos, const float* sin,
                   std::size_t pairs);
/// Rotates pairs (x[2i], x[2i + 1]), or rotates them back.
void rotate_neighbours(float* x, const float* cos, const float* sin, std::size_t pairs, bool back);

}  // namespace cajal::cpu
