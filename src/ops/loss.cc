#include "ops/loss.h"

#include <cmath>

#include "ops/backend.h"
#include "ops/checks.h"

namespace cajal::ops {

double cross_entropy(Backend& backend, const LossArgs& args) {
  const std::size_t rows = args.logits.rows;
  check_activations(backend, args.logits, "cross_entropy: logits");
  check(args.logits.cols != 0, "cross_entropy: logits of no ids");
  check(args.targets.size() == rows, "cross_entropy: {} targets for {} rows", args.targets.size(),
        rows);
  for (const std::int32_t target : args.targets) {
    check(target >= -1 && (target < 0 || static_cast<std::size_t>(target) < args.logits.cols),
          "cross_entropy: target {} among {} ids", target, args.logits.cols);
  }
  check(std::isfinite(args.weight), "cross_entropy: weight {} is not finite", args.weight);
  if (args.dlogits) {
    check_stored(backend, args.dlogits, "cross_entropy: dlogits");
    check_shape(args.dlogits, rows, args.logits.cols, "cross_entropy: dlogits");
  }
  check(args.nll.empty() || args.nll.size() == rows, "cross_entropy: {} places for nll of {} rows",
        args.nll.size(), rows);
  check(args.correct.empty() || args.correct.size() == rows,
        "cross_entropy: {} places for correct of {} rows", args.correct.size(), rows);
  return backend.cross_entropy(args);
}

}  // namespace cajal::ops
