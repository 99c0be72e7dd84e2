// Products of training: thousands of rows of activations with a small matrix, and the gradients of
// such a matrix, which sum over those rows.
//
// Operands are used as they lie where their type fits, and are converted block by block in a cache
// where it does not. What is cut where depends on the shape alone, so threads do not change a bit.
#pragma once

#include "ops/cpu/matmul.h"
#include "ops/cpu/scratch.h"
#include "ops/dense.h"

namespace cajal::cpu {

/// Whether LongProducts can do it, and is the faster way.
bool suits_long_products(const GemmArgs& args) noexcept;

class LongProducts {
 public:
  /// bias: args.bias in f32, or nullptr. Throws Unsupported and ResourceExhausted.
  void multiply(const GemmArgs& args, const float* bias);

 private:
  Matmuls matmuls_;
  Scratch shared_;      // weights in the type of the product, or the sums of parts
  Scratch per_thread_;  // converted blocks
};

}  // namespace cajal::cpu
