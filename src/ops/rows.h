// What happens to each row by itself: norms, activations, rotations, sums, look-ups.
//
// Where a comment says so, an input and the output may be the same matrix. Matrices are of the
// backend's activation type unless said otherwise; gains, biases and tables may be any float type.
// On `cpu` inputs and outputs of elementwise functions, and the output of normalize(), may be BF16
// as well (computed in f32, rounded once), so that the next product need not round them.
#pragma once

#include <cstdint>
#include <span>

#include "tensor/matrix.h"

namespace cajal {

class Backend;

enum class NormKind : std::uint8_t { Rms, Layer };

/// y = x / sqrt(mean(x^2) + epsilon) * (gain + gain_offset) + bias; Layer subtracts the mean first.
struct NormArgs {
  ConstMatRef in;          // [rows, cols]
  ConstMatRef gain = {};   // [g, cols], row r uses gain r % g (per-head gains); absent: 1
  ConstMatRef bias = {};   // [1, cols]; absent: none
  MatRef out;              // [rows, cols]; may be `in`
  MatRef normalized = {};  // [rows, cols], before gain and bias; absent: not written
  NormKind kind = NormKind::Rms;
  double epsilon = 1e-5;
  double gain_offset = 0.0;  // 1 where files store gain - 1 (Gemma, Nemotron)
};

enum class Activation : std::uint8_t {
  GeluErf,   // x * Phi(x)
  GeluTanh,  // the tanh approximation ("gelu_new", "gelu_pytorch_tanh")
  Silu,
  Relu,
  ReluSquared,
};

/// Rotates pairs of the first 2 * pairs columns of every head; the rest passes through.
struct RotateArgs {
  MatRef x;         // [tokens, heads * d_head], changed in place
  ConstMatRef cos;  // [tokens, pairs]
  ConstMatRef sin;  // [tokens, pairs]
  std::size_t d_head = 0;
  bool neighbours = false;  // pairs (2i, 2i + 1) instead of (i, i + pairs)
  bool transposed = false;  // by the angles backwards: the gradient of the rotation
};

class RowOps {
 public:
  virtual ~RowOps() = default;
  virtual void normalize(const NormArgs& args) = 0;
  virtual void activate(Activation kind, ConstMatRef in, MatRef out) = 0;
  virtual void activate_gated(Activation kind, ConstMatRef gate, ConstMatRef up, MatRef out) = 0;
  virtual void clamped_glu(ConstMatRef gate, ConstMatRef up, double alpha, double limit,
                           MatRef out) = 0;
  virtual void rotate(const RotateArgs& args) = 0;
  virtual void add_scaled(ConstMatRef a, ConstMatRef b, double factor, MatRef out) = 0;
  virtual void scale(ConstMatRef in, double factor, MatRef out) = 0;
  virtual void soft_cap(ConstMatRef in, double cap, MatRef out) = 0;
  virtual void clamp(ConstMatRef in, double limit, MatRef out) = 0;
  virtual void gather(ConstMatRef table, std::span<const std::int32_t> rows, double factor,
                      MatRef out) = 0;
  virtual void scatter_add(ConstMatRef in, std::span<const std::int32_t> rows,
                           std::span<const double> factors, MatRef out) = 0;
};

/// The same, with shapes, types and devices checked. All throw InvalidArgument.
namespace ops {

void normalize(Backend& backend, const NormArgs& args);
/// In and out may be the same.
void activate(Backend& backend, Activation kind, ConstMatRef in, MatRef out);
/// out = activation(gate) * up. out may be either input.
void activate_gated(Backend& backend, Activation kind, ConstMatRef gate, ConstMatRef up,
                    MatRef out);
/// gpt_oss: with g = min(gate, limit), u = clamp(up, -limit, limit):
/// out = (u + 1) * g * sigmoid(alpha * g).
void clamped_glu(Backend& backend, ConstMatRef gate, ConstMatRef up, double alpha, double limit,
                 MatRef out);
void rotate(Backend& backend, const RotateArgs& args);
/// out = a + factor * b. out may be a or b.
void add_scaled(Backend& backend, ConstMatRef a, ConstMatRef b, double factor, MatRef out);
/// In and out may be the same.
void scale(Backend& backend, ConstMatRef in, double factor, MatRef out);
/// out = cap * tanh(in / cap). In and out may be the same.
void soft_cap(Backend& backend, ConstMatRef in, double cap, MatRef out);
/// out = min(max(in, -limit), limit). In and out may be the same.
void clamp(Backend& backend, ConstMatRef in, double limit, MatRef out);
/// out[i] = factor * table[rows[i]]; the table may be any float type. Rows must be in range.
void gather(Backend& backend, ConstMatRef table, std::span<const std::int32_t> rows, double factor,
            MatRef out);
/// out[rows[i]] += factors[i] * in[i], in the order of i (a row may occur twice).
void scatter_add(Backend& backend, ConstMatRef in, std::span<const std::int32_t> rows,
                 std::span<const double> factors, MatRef out);

}  // namespace ops
}  // namespace cajal
