// The loss and the optimiser on f32, by vectors; sums in double.
#pragma once

#include <cstddef>

namespace cajal::cpu {

/// The largest of `count` > 0 elements.
float largest_of(const float* in, std::size_t count);
/// out = e^(in - largest), which may be `in`; returns the sum of `out`.
double exponentials(const float* in, float largest, std::size_t count, float* out);

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
