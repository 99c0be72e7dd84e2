#include "ops/rows_vjp.h"

#include <cmath>

#include "ops/backend.h"
#include "ops/checks.h"

namespace cajal::ops {
namespace {

/// A [rows, cols] matrix that may be stored as bf16.
void check_like(const Backend& backend, ConstMatRef m, ConstMatRef model, std::string_view what) {
  check_stored(backend, m, what);
  check_shape(m, model.rows, model.cols, what);
}

/// A [rows, cols] matrix of the activation type.
void check_exact(const Backend& backend, ConstMatRef m, std::size_t rows, std::size_t cols,
                 std::string_view what) {
  check_activations(backend, m, what);
  check_shape(m, rows, cols, what);
}

void check_norm_parameters(const Backend& backend, const NormVjpArgs& args) {
  const std::size_t cols = args.in.cols;
  if (args.gain) {
    check_floats(backend, args.gain, "normalize_vjp: gain");
    check(args.gain.rows >= 1, "normalize_vjp: gain has no rows");
    check_shape(args.gain, args.gain.rows, cols, "normalize_vjp: gain");
  }
  if (args.dgain) {
    check_exact(backend, args.dgain, args.gain ? args.gain.rows : 1, cols, "normalize_vjp: dgain");
  }
  if (args.dbias) {
    check_exact(backend, args.dbias, 1, cols, "normalize_vjp: dbias");
  }
}

}  // namespace

void normalize_vjp(Backend& backend, const NormVjpArgs& args) {
  const std::size_t rows = args.in.rows;
  const std::size_t cols = args.in.cols;
  check_activations(backend, args.in, "normalize_vjp: in");
  check_exact(backend, args.dy, rows, cols, "normalize_vjp: dy");
  if (args.add) {
    check_exact(backend, args.add, rows, cols, "normalize_vjp: add");
  }
  if (args.dx) {
    check_exact(backend, args.dx, rows, cols, "normalize_vjp: dx");
  }
  if (args.rounded_dx) {
    check_bf16(backend, args.rounded_dx, "normalize_vjp: rounded_dx");
    check_shape(args.rounded_dx, rows, cols, "normalize_vjp: rounded_dx");
  }
  check_norm_parameters(backend, args);
  check(args.epsilon >= 0, "normalize_vjp: epsilon {} is negative", args.epsilon);
  backend.normalize_vjp(args);
}

void activate_vjp(Backend& backend, Activation kind, ConstMatRef in, ConstMatRef dy, MatRef dx) {
  check_stored(backend, in, "activate_vjp: in");
  check_like(backend, dy, in, "activate_vjp: dy");
  check_like(backend, dx, in, "activate_vjp: dx");
  backend.activate_vjp(kind, in, dy, dx);
}

void activate_gated_vjp(Backend& backend, Activation kind, ConstMatRef gate, ConstMatRef up,
                        ConstMatRef dy, MatRef dgate, MatRef dup) {
  check_stored(backend, gate, "activate_gated_vjp: gate");
  check_like(backend, up, gate, "activate_gated_vjp: up");
  check_like(backend, dy, gate, "activate_gated_vjp: dy");
  check_like(backend, dgate, gate, "activate_gated_vjp: dgate");
  check_like(backend, dup, gate, "activate_gated_vjp: dup");
  backend.activate_gated_vjp(kind, gate, up, dy, dgate, dup);
}

void clamped_glu_vjp(Backend& backend, ConstMatRef gate, ConstMatRef up, double alpha, double limit,
                     ConstMatRef dy, MatRef dgate, MatRef dup) {
  check_stored(backend, gate, "clamped_glu_vjp: gate");
  check_like(backend, up, gate, "clamped_glu_vjp: up");
  check_like(backend, dy, gate, "clamped_glu_vjp: dy");
  check_like(backend, dgate, gate, "clamped_glu_vjp: dgate");
  check_like(backend, dup, gate, "clamped_glu_vjp: dup");
  check(limit >= 0, "clamped_glu_vjp: limit {} is negative", limit);
  backend.clamped_glu_vjp(gate, up, alpha, limit, dy, dgate, dup);
}

void soft_cap_vjp(Backend& backend, ConstMatRef out, double cap, ConstMatRef dy, MatRef dx) {
  check_stored(backend, out, "soft_cap_vjp: out");
  check_like(backend, dy, out, "soft_cap_vjp: dy");
  check_like(backend, dx, out, "soft_cap_vjp: dx");
  check(cap > 0 && std::isfinite(cap), "soft_cap_vjp: cap {} is not positive", cap);
  backend.soft_cap_vjp(out, cap, dy, dx);
}

void clamp_vjp(Backend& backend, ConstMatRef in, double limit, ConstMatRef dy, MatRef dx) {
  check_stored(backend, in, "clamp_vjp: in");
  check_like(backend, dy, in, "clamp_vjp: dy");
  check_like(backend, dx, in, "clamp_vjp: dx");
  check(limit >= 0, "clamp_vjp: limit {} is negative", limit);
  backend.clamp_vjp(in, limit, dy, dx);
}

void add_column_sums(Backend& backend, ConstMatRef in, MatRef sums) {
  check_stored(backend, in, "add_column_sums: in");
  check_exact(backend, sums, 1, in.cols, "add_column_sums: sums");
  backend.add_column_sums(in, sums);
}

}  // namespace cajal::ops
