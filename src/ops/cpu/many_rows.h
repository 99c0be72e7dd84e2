// Products of many rows of activations, through oneDNN.
#pragma once

#include "ops/cpu/matmul.h"
#include "ops/cpu/scratch.h"
#include "ops/dense.h"

namespace cajal::cpu {

/// Whether oneDNN takes the operands as they are: f32 throughout, nothing transposed but `b`, added
/// or scaled.
bool is_plain(const GemmArgs& args) noexcept;

class ManyRows {
 public:
  /// out = alpha * a * b + bias + beta * out; bias: args.bias in f32, or nullptr. Weights of
  /// another type than the product needs are converted in panels. BF16x2 of weights that are not
  /// bf16 is computed as BF16x3.
  void multiply(const GemmArgs& args, const float* bias);
  /// Plain products, each on one thread.
  void multiply_each(std::span<const GemmArgs> products);

 private:
  Matmuls matmuls_;
  Scratch activations_;  // a transposed, or rounded, or split
  Scratch threads_;      // panels, products and oneDNN's own, per thread
};

}  // namespace cajal::cpu
