#include "ops/optimiser.h"

#include "ops/backend.h"
#include "ops/checks.h"

namespace cajal::ops {

void adamw_step(Backend& backend, const AdamWArgs& args) {
  check_activations(backend, args.p, "adamw_step: p");
  const auto check_like_p = [&](ConstMatRef m, std::string_view what) {
    check_activations(backend, m, what);
    check_shape(m, args.p.rows, args.p.cols, what);
  };
  check_like_p(args.m, "adamw_step: m");
  check_like_p(args.v, "adamw_step: v");
  check_like_p(args.g, "adamw_step: g");
  if (args.rounded) {
    check_bf16(backend, args.rounded, "adamw_step: rounded");
    check_shape(args.rounded, args.p.rows, args.p.cols, "adamw_step: rounded");
  }
  check(args.correction1 > 0 && args.correction2 > 0,
        "adamw_step: corrections {} and {} must be positive", args.correction1, args.correction2);
  backend.adamw_step(args);
}

double sum_of_squares(Backend& backend, ConstMatRef in) {
  check_activations(backend, in, "sum_of_squares: in");
  return backend.sum_of_squares(in);
}

void round_to_bf16(Backend& backend, ConstMatRef in, MatRef out) {
  check_activations(backend, in, "round_to_bf16: in");
  check_bf16(backend, out, "round_to_bf16: out");
  check_shape(out, in.rows, in.cols, "round_to_bf16: out");
  backend.round_to_bf16(in, out);
}

}  // namespace cajal::ops
