// Cross-entropy of the next token, in natural logarithms.
#pragma once

#include <cstdint>
#include <span>

#include "tensor/matrix.h"

namespace cajal {

class Backend;

struct LossArgs {
  ConstMatRef logits;                     // [rows, vocab]
  std::span<const std::int32_t> targets;  // the right id of each row; -1: the row does not count
  double weight = 1.0;  // of each row that counts: 1 / their number makes the loss their mean
  MatRef dlogits = {};  // [rows, vocab], written: d loss / d logits, 0 in rows that do not count;
                        // may be `logits`, or BF16 on `cpu`; absent: not computed
  std::span<double> nll =
      {};  // -log p(target) of each row, 0 where it does not count; empty: not wanted
  std::span<std::uint8_t> correct = {};  // 1 where no id has a greater logit than the target, and
                                         // none below it an equal one; empty: not wanted
};

class LossOps {
 public:
  virtual ~LossOps() = default;
  virtual double cross_entropy(const LossArgs& args) = 0;
};

namespace ops {

/// weight * the sum of -log softmax(logits)[target] over the rows that count, in double, in the
/// order of the rows. Throws InvalidArgument.
double cross_entropy(Backend& backend, const LossArgs& args);

}  // namespace ops
}  // namespace cajal
