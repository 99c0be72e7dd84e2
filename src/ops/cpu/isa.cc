#include "ops/cpu/isa.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <mutex>

#include <hwy/targets.h>
#include <oneapi/dnnl/dnnl.hpp>

#include "base/error.h"

namespace cajal {
namespace {

struct Level {
  std::string_view name;
  std::int64_t target;  // Highway's bit; better targets have lower bits
  dnnl::cpu_isa onednn;
};

constexpr std::array<Level, 6> kLevels = {{
    {"avx512_bf16", HWY_AVX3, dnnl::cpu_isa::all},
    {"avx512", HWY_AVX3, dnnl::cpu_isa::avx512_core},
    {"avx2", HWY_AVX2, dnnl::cpu_isa::avx2},
    {"sse4", HWY_SSE4, dnnl::cpu_isa::sse41},
    {"neon", HWY_NEON, dnnl::cpu_isa::all},
    {"scalar", HWY_SCALAR, dnnl::cpu_isa::sse41},
}};

/// What the processor has, read before anything is limited.
std::int64_t supported_targets() {
  static const std::int64_t targets = hwy::SupportedTargets();
  return targets;
}

bool is_available(const Level& level) {
  if (level.name == "avx512_bf16") {
    return (supported_targets() & HWY_AVX3) != 0 &&
           static_cast<bool>(__builtin_cpu_supports("avx512bf16"));
  }
  return level.name == "scalar" || (supported_targets() & level.target) != 0;
}

const Level*& limit() {
  static const Level* level = nullptr;
  return level;
}

}  // namespace

std::vector<std::string_view> cpu_isas() {
  std::vector<std::string_view> names;
  for (const Level& level : kLevels) {
    if (is_available(level)) {
      names.push_back(level.name);
    }
  }
  return names;
}

std::string cpu_isa_name() {
  return std::string(limit() != nullptr ? limit()->name : cpu_isas().front());
}

void limit_cpu_isa(std::string_view name) {
  const auto named = std::find_if(kLevels.begin(), kLevels.end(),
                                  [&](const Level& level) { return level.name == name; });
  if (named == kLevels.end()) {
    std::string names;
    for (const Level& level : kLevels) {
      names.append(names.empty() ? "" : ", ").append(level.name);
    }
    fail(ErrorCode::InvalidArgument, "unknown instruction set '{}'; one of {}", name, names);
  }
  const Level& level = *std::find_if(named, kLevels.end(), is_available);  // "scalar" always is
  limit() = &level;
  // The level itself and everything below it, which has higher bits.
  hwy::SetSupportedTargetsForTest((supported_targets() & ~(level.target - 1)) | HWY_SCALAR);
  hwy::GetChosenTarget().DeInit();
}

void limit_cpu_isa_by_environment() {
  static std::once_flag once;
  std::call_once(once, [] {
    const char* name = std::getenv("CAJAL_ISA");  // NOLINT(concurrency-mt-unsafe)
    if (name != nullptr && *name != '\0') {
      limit_cpu_isa(name);
      static_cast<void>(dnnl::set_max_cpu_isa(limit()->onednn));  // fails if it has computed before
    }
  });
}

}  // namespace cajal
