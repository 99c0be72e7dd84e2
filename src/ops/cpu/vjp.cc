#include "ops/cpu/cpu_backend.h"

namespace cajal {
namespace {
[[noreturn]] void later() {
  fail(ErrorCode::Unsupported, "gradients on the cpu backend come next; use ref");
}
}  // namespace
void CpuBackend::normalize_vjp(const NormVjpArgs& /*args*/) {
  later();
}
void CpuBackend::activate_vjp(Activation, ConstMatRef, ConstMatRef, MatRef) {
  later();
}
void CpuBackend::activate_gated_vjp(Activation, ConstMatRef, ConstMatRef, ConstMatRef, MatRef,
                                    MatRef) {
  later();
}
void CpuBackend::clamped_glu_vjp(ConstMatRef, ConstMatRef, double, double, ConstMatRef, MatRef,
                                 MatRef) {
  later();
}
void CpuBackend::soft_cap_vjp(ConstMatRef, double, ConstMatRef, MatRef) {
  later();
}
void CpuBackend::clamp_vjp(ConstMatRef, double, ConstMatRef, MatRef) {
  later();
}
void CpuBackend::add_column_sums(ConstMatRef, MatRef) {
  later();
}
void CpuBackend::attend_segments(const AttentionShape&, std::span<const AttentionSegment>,
                                 ConstMatRef, ConstMatRef, ConstMatRef, MatRef) {
  later();
}
void CpuBackend::attend_vjp(const AttentionShape&, std::span<const AttentionSegment>,
                            const AttendVjpArgs&) {
  later();
}
void CpuBackend::attention_mix_vjp(const AttentionShape&, ConstMatRef, ConstMatRef, MatRef) {
  later();
}
double CpuBackend::cross_entropy(const LossArgs&) {
  later();
}
void CpuBackend::adamw_step(const AdamWArgs&) {
  later();
}
double CpuBackend::sum_of_squares(ConstMatRef) {
  later();
}
void CpuBackend::round_to_bf16(ConstMatRef, MatRef) {
  later();
}
}  // namespace cajal
