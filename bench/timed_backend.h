// The CPU backend with a watch at its products.
#pragma once

#include <array>
#include <map>

#include "ops/cpu/cpu_backend.h"
#include "timing.h"

namespace cajal::bench {

/// What products of one shape [m, k] * [k, n] cost.
struct ProductCost {
  std::size_t times = 0;
  double seconds = 0.0;
};

/// Counts the time of every product.
class TimedBackend final : public CpuBackend {
 public:
  using Shape = std::array<std::size_t, 3>;  // m, k, n

  void gemm(const GemmArgs& args) override {
    const std::size_t k = args.transpose_a == Transpose::Yes ? args.a.rows : args.a.cols;
    ProductCost& cost = costs_[{args.out.rows, k, args.out.cols}];
    ++cost.times;
    cost.seconds += seconds_of([&] { CpuBackend::gemm(args); });
  }

  void gemm_each(std::span<const GemmArgs> products) override {
    for (const GemmArgs& args : products) {
      ++costs_[{args.out.rows, args.a.cols, args.out.cols}].times;
    }
    const double seconds = seconds_of([&] { CpuBackend::gemm_each(products); });
    costs_[{products[0].out.rows, products[0].a.cols, products[0].out.cols}].seconds += seconds;
  }

  /// Forgets what was counted.
  void reset() { costs_.clear(); }
  const std::map<Shape, ProductCost>& costs() const noexcept { return costs_; }

 private:
  std::map<Shape, ProductCost> costs_;
};

}  // namespace cajal::bench
