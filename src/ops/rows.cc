#include "ops/rows.h"

#include <cmath>

#include "ops/backend.h"
#include "ops/checks.h"

namespace cajal::ops {
namespace {

void check_same(const Backend& backend, ConstMatRef in, ConstMatRef out, std::string_view in_name,
                std::string_view out_name) {
  check_stored(backend, in, in_name);
  check_stored(backend, out, out_name);
  check_shape(in, out.rows, out.cols, in_name);
}

void check_rows(std::span<const std::int32_t> rows, std::size_t limit, std::string_view what) {
  for (const std::int32_t row : rows) {
    check(row >= 0 && static_cast<std::size_t>(row) < limit, "{}: row {} of a matrix of {} rows",
          what, row, limit);
  }
}

}  // namespace

void normalize(Backend& backend, const NormArgs& args) {
  check_activations(backend, args.in, "normalize: in");
  check_same(backend, args.in, args.out, "normalize: in", "normalize: out");
  const std::size_t cols = args.in.cols;
  if (args.gain) {
    check_floats(backend, args.gain, "normalize: gain");
    check(args.gain.rows >= 1, "normalize: gain has no rows");
    check_shape(args.gain, args.gain.rows, cols, "normalize: gain");
  }
  if (args.bias) {
    check_floats(backend, args.bias, "normalize: bias");
    check_shape(args.bias, 1, cols, "normalize: bias");
  }
  if (args.normalized) {
    check_activations(backend, args.normalized, "normalize: normalized");
    check_shape(args.normalized, args.in.rows, cols, "normalize: normalized");
  }
  check(args.epsilon >= 0, "normalize: epsilon {} is negative", args.epsilon);
  backend.normalize(args);
}

void activate(Backend& backend, Activation kind, ConstMatRef in, MatRef out) {
  check_same(backend, in, out, "activate: in", "activate: out");
  backend.activate(kind, in, out);
}

void activate_gated(Backend& backend, Activation kind, ConstMatRef gate, ConstMatRef up,
                    MatRef out) {
  check_same(backend, gate, out, "activate_gated: gate", "activate_gated: out");
  check_same(backend, up, out, "activate_gated: up", "activate_gated: out");
  backend.activate_gated(kind, gate, up, out);
}

void clamped_glu(Backend& backend, ConstMatRef gate, ConstMatRef up, double alpha, double limit,
                 MatRef out) {
  check_same(backend, gate, out, "clamped_glu: gate", "clamped_glu: out");
  check_same(backend, up, out, "clamped_glu: up", "clamped_glu: out");
  check(limit >= 0, "clamped_glu: limit {} is negative", limit);
  backend.clamped_glu(gate, up, alpha, limit, out);
}

void rotate(Backend& backend, const RotateArgs& args) {
  check_activations(backend, args.x, "rotate: x");
  check_floats(backend, args.cos, "rotate: cos");
  check_floats(backend, args.sin, "rotate: sin");
  check(args.d_head != 0 && args.x.cols % args.d_head == 0,
        "rotate: {} columns are not heads of {}", args.x.cols, args.d_head);
  const std::size_t pairs = args.cos.cols;
  check(2 * pairs <= args.d_head, "rotate: {} pairs do not fit a head of {}", pairs, args.d_head);
  check_shape(args.cos, args.x.rows, pairs, "rotate: cos");
  check_shape(args.sin, args.x.rows, pairs, "rotate: sin");
  backend.rotate(args);
}

void add_scaled(Backend& backend, ConstMatRef a, ConstMatRef b, double factor, MatRef out) {
  check_same(backend, a, out, "add_scaled: a", "add_scaled: out");
  check_same(backend, b, out, "add_scaled: b", "add_scaled: out");
  backend.add_scaled(a, b, factor, out);
}

void scale(Backend& backend, ConstMatRef in, double factor, MatRef out) {
  check_same(backend, in, out, "scale: in", "scale: out");
  backend.scale(in, factor, out);
}

void soft_cap(Backend& backend, ConstMatRef in, double cap, MatRef out) {
  check_same(backend, in, out, "soft_cap: in", "soft_cap: out");
  check(cap > 0 && std::isfinite(cap), "soft_cap: cap {} is not positive", cap);
  backend.soft_cap(in, cap, out);
}

void clamp(Backend& backend, ConstMatRef in, double limit, MatRef out) {
  check_same(backend, in, out, "clamp: in", "clamp: out");
  check(limit >= 0, "clamp: limit {} is negative", limit);
  backend.clamp(in, limit, out);
}

void gather(Backend& backend, ConstMatRef table, std::span<const std::int32_t> rows, double factor,
            MatRef out) {
  check_floats(backend, table, "gather: table");
  check_activations(backend, out, "gather: out");
  check_shape(out, rows.size(), table.cols, "gather: out");
  check_rows(rows, table.rows, "gather");
  backend.gather(table, rows, factor, out);
}

void scatter_add(Backend& backend, ConstMatRef in, std::span<const std::int32_t> rows,
                 std::span<const double> factors, MatRef out) {
  check_activations(backend, in, "scatter_add: in");
  check_activations(backend, out, "scatter_add: out");
  check_shape(in, rows.size(), out.cols, "scatter_add: in");
  check(factors.size() == rows.size(), "scatter_add: {} factors for {} rows", factors.size(),
        rows.size());
  check_rows(rows, out.rows, "scatter_add");
  backend.scatter_add(in, rows, factors, out);
}

}  // namespace cajal::ops
