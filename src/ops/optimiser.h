// What an optimiser does to parameters, element by element.
#pragma once

#include "tensor/matrix.h"

namespace cajal {

class Backend;

/// One step of AdamW (Loshchilov and Hutter 2019), in this order, with g' = clip * g:
///   p = p (1 - lr decay);  m = beta1 m + (1 - beta1) g';  v = beta2 v + (1 - beta2) g'^2;
///   p = p - lr / correction1 * m / (sqrt(v) / sqrt(correction2) + epsilon)
/// All [rows, cols] of the same shape and of the backend's activation type, but `rounded`.
struct AdamWArgs {
  MatRef p;             // parameters, changed
  MatRef m;             // first moment, changed
  MatRef v;             // second moment, changed
  ConstMatRef g;        // gradient
  MatRef rounded = {};  // BF16: the new p, rounded to nearest even; absent: not written
  double clip = 1.0;    // factor of g
  double lr = 0.0;
  double decay = 0.0;  // 0 for parameters that do not decay
  double beta1 = 0.9;
  double beta2 = 0.95;
  double epsilon = 1e-8;
  double correction1 = 1.0;  // 1 - beta1^t for step t, counted from 1
  double correction2 = 1.0;  // 1 - beta2^t
};

class OptimiserOps {
 public:
  virtual ~OptimiserOps() = default;
  virtual void adamw_step(const AdamWArgs& args) = 0;
  virtual double sum_of_squares(ConstMatRef in) = 0;
  virtual void round_to_bf16(ConstMatRef in, MatRef out) = 0;
};

/// The same, with shapes, types and devices checked. All throw InvalidArgument.
namespace ops {

void adamw_step(Backend& backend, const AdamWArgs& args);
/// In double, in an order that depends on the shape alone. NaN or infinite if an element is.
double sum_of_squares(Backend& backend, ConstMatRef in);
/// out, BF16 and as `in`: each element rounded to nearest, ties to even.
void round_to_bf16(Backend& backend, ConstMatRef in, MatRef out);

}  // namespace ops
}  // namespace cajal
