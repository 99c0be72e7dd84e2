// The backend of ordinary machines: oneDNN for large products, SIMD kernels for the rest, f32
// activations. The same bits for any number of threads.
#pragma once

#include "ops/backend.h"
#include "ops/cpu/long_products.h"
#include "ops/cpu/many_rows.h"
#include "ops/cpu/scratch.h"

namespace cajal {

class CpuBackend : public Backend {
 public:
  Device device() const noexcept override { return Device::Cpu; }
  std::string_view name() const noexcept override { return "cpu"; }
  DType activation_dtype() const noexcept override { return DType::F32; }
  Buffer allocate(std::size_t bytes) override { return allocate_host(bytes); }
  void copy(ConstMatRef from, MatRef to) override;
  void synchronize() override {}

  void gemm(const GemmArgs& args) override;
  void gemm_each(std::span<const GemmArgs> products) override;
  bool has(Precision precision) const noexcept override;

  void normalize(const NormArgs& args) override;
  void activate(Activation kind, ConstMatRef in, MatRef out) override;
  void activate_gated(Activation kind, ConstMatRef gate, ConstMatRef up, MatRef out) override;
  void clamped_glu(ConstMatRef gate, ConstMatRef up, double alpha, double limit,
                   MatRef out) override;
  void rotate(const RotateArgs& args) override;
  void add_scaled(ConstMatRef a, ConstMatRef b, double factor, MatRef out) override;
  void scale(ConstMatRef in, double factor, MatRef out) override;
  void soft_cap(ConstMatRef in, double cap, MatRef out) override;
  void clamp(ConstMatRef in, double limit, MatRef out) override;
  void gather(ConstMatRef table, std::span<const std::int32_t> rows, double factor,
              MatRef out) override;
  void scatter_add(ConstMatRef in, std::span<const std::int32_t> rows,
                   std::span<const double> factors, MatRef out) override;

  void normalize_vjp(const NormVjpArgs& args) override;
  void activate_vjp(Activation kind, ConstMatRef in, ConstMatRef dy, MatRef dx) override;
  void activate_gated_vjp(Activation kind, ConstMatRef gate, ConstMatRef up, ConstMatRef dy,
                          MatRef dgate, MatRef dup) override;
  void clamped_glu_vjp(ConstMatRef gate, ConstMatRef up, double alpha, double limit, ConstMatRef dy,
                       MatRef dgate, MatRef dup) override;
  void soft_cap_vjp(ConstMatRef out, double cap, ConstMatRef dy, MatRef dx) override;
  void clamp_vjp(ConstMatRef in, double limit, ConstMatRef dy, MatRef dx) override;
  void add_column_sums(ConstMatRef in, MatRef sums) override;

  void attend(const AttentionShape& shape, ConstMatRef q, ConstMatRef k, ConstMatRef v,
              MatRef z) override;
  void attention_scores(const AttentionShape& shape, ConstMatRef q, ConstMatRef k,
                        MatRef scores) override;
  void attention_probabilities(const AttentionShape& shape, ConstMatRef scores,
                               MatRef probabilities) override;
  void attention_mix(const AttentionShape& shape, ConstMatRef probabilities, ConstMatRef v,
                     MatRef z) override;

  void attend_segments(const AttentionShape& shape, std::span<const AttentionSegment> segments,
                       ConstMatRef q, ConstMatRef k, ConstMatRef v, MatRef z) override;
  void attend_vjp(const AttentionShape& shape, std::span<const AttentionSegment> segments,
                  const AttendVjpArgs& args) override;
  void attention_mix_vjp(const AttentionShape& shape, const MixVjpArgs& args) override;

  double cross_entropy(const LossArgs& args) override;

  void adamw_step(const AdamWArgs& args) override;
  double sum_of_squares(ConstMatRef in) override;
  void round_to_bf16(ConstMatRef in, MatRef out) override;

  void collect(ConstMatRef block, std::size_t first_column, const SelectionRule& rule,
               std::span<RowCandidates> rows) override;
  void sparse_product(const SparseProductArgs& args) override;
  void sparse_dots(const SparseDotsArgs& args) override;

 private:
  void gemm_of_floats(const GemmArgs& args, const float* bias);
  void gemm_of_stored(const GemmArgs& args, const float* bias);

  cpu::ManyRows many_rows_;
  cpu::LongProducts long_products_;
  cpu::Scratch bias_;     // the bias of a product in f32
  cpu::Scratch scratch_;  // of the call at hand
  cpu::Scratch sums_;     // of chunks of rows
};

}  // namespace cajal
