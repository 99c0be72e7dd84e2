#include "ops/cpu/cpu_backend.h"

namespace cajal {
namespace {
[[noreturn]] void later() {
  fail(ErrorCode::Unsupported, "gradients on the cpu backend come next; use ref");
}
}  // namespace
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
}  // namespace cajal
