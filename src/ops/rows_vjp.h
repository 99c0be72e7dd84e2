// Gradients of the operations of rows.h: given d loss / d output (`dy`), d loss / d inputs.
//
// A vector-Jacobian product is linear in `dy`, so the same functions train (one row a token) and
// trace (rows = seeds x tokens, with scales frozen). Gradients of parameters are added to what is
// there, gradients of activations are written. Elementwise functions take and give BF16 as well on
// `cpu` (computed in f32), so that the next product need not round again.
#pragma once

#include "ops/rows.h"

namespace cajal {

struct NormVjpArgs {
  ConstMatRef in;         // [rows, cols], what normalize() was given
  ConstMatRef gain = {};  // [g, cols], row r uses gain r % g; any float type; absent: 1
  ConstMatRef dy;         // [rows, cols]
  ConstMatRef add = {};   // [rows, cols]: dx = gradient + add (a residual's); absent: dx = gradient
  MatRef dx = {};         // [rows, cols]; may be `dy` or `add`; absent: not computed
  MatRef rounded_dx = {};  // [rows, cols] of BF16: dx once more, for the next product; absent: none
  MatRef dgain = {};       // [g, cols], added to: of the stored gain, without offset; absent: none
  MatRef dbias = {};       // [1, cols], added to; absent: none
  NormKind kind = NormKind::Rms;
  double epsilon = 1e-5;
  double gain_offset = 0.0;
  bool frozen_scale = false;  // 1 / sqrt(...) counts as a constant; Layer still subtracts the mean
};

class RowVjpOps {
 public:
  virtual ~RowVjpOps() = default;
  virtual void normalize_vjp(const NormVjpArgs& args) = 0;
  virtual void activate_vjp(Activation kind, ConstMatRef in, ConstMatRef dy, MatRef dx) = 0;
  virtual void activate_gated_vjp(Activation kind, ConstMatRef gate, ConstMatRef up, ConstMatRef dy,
                                  MatRef dgate, MatRef dup) = 0;
  virtual void clamped_glu_vjp(ConstMatRef gate, ConstMatRef up, double alpha, double limit,
                               ConstMatRef dy, MatRef dgate, MatRef dup) = 0;
  virtual void soft_cap_vjp(ConstMatRef out, double cap, ConstMatRef dy, MatRef dx) = 0;
  virtual void clamp_vjp(ConstMatRef in, double limit, ConstMatRef dy, MatRef dx) = 0;
  virtual void add_column_sums(ConstMatRef in, MatRef sums) = 0;
};

/// The same, with shapes, types and devices checked. All throw InvalidArgument. The gradient of
/// rotate() is rotate() with RotateArgs::transposed, that of gather() is scatter_add().
namespace ops {

void normalize_vjp(Backend& backend, const NormVjpArgs& args);
/// dx = dy * activation'(in). dx may be `in` or `dy`. At 0 relu' is 0.
void activate_vjp(Backend& backend, Activation kind, ConstMatRef in, ConstMatRef dy, MatRef dx);
/// dgate = dy * up * activation'(gate), dup = dy * activation(gate). Each may be one of the inputs.
void activate_gated_vjp(Backend& backend, Activation kind, ConstMatRef gate, ConstMatRef up,
                        ConstMatRef dy, MatRef dgate, MatRef dup);
/// Of clamped_glu(): what was clamped has gradient 0.
void clamped_glu_vjp(Backend& backend, ConstMatRef gate, ConstMatRef up, double alpha, double limit,
                     ConstMatRef dy, MatRef dgate, MatRef dup);
/// dx = dy * (1 - (out / cap)^2), from the *output* of soft_cap(). dx may be `out` or `dy`.
void soft_cap_vjp(Backend& backend, ConstMatRef out, double cap, ConstMatRef dy, MatRef dx);
/// dx = dy where |in| <= limit, else 0. dx may be `in` or `dy`.
void clamp_vjp(Backend& backend, ConstMatRef in, double limit, ConstMatRef dy, MatRef dx);
/// sums[0, c] += the sum of column c of `in` (the gradient of a bias); sums: [1, cols].
void add_column_sums(Backend& backend, ConstMatRef in, MatRef sums);

}  // namespace ops
}  // namespace cajal
