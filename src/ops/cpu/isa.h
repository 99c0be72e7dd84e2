// Which instruction set the kernels use: the widest that the machine has, or less on request.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cajal {

/// Names of the levels that this build and this machine can run, widest first, such as
/// "avx512_bf16", "avx512", "avx2", "sse4", "scalar".
std::vector<std::string_view> cpu_isas();

/// The level in use; for --version and provenance.
std::string cpu_isa_name();

/// Kernels of this project use at most this level from now on (one that the machine lacks: the
/// next below); bits of results may change with it. oneDNN does not follow. Not while a computation
/// runs. Throws InvalidArgument listing the names.
void limit_cpu_isa(std::string_view name);

/// limit_cpu_isa with the environment variable CAJAL_ISA, if it is set, for oneDNN too unless it
/// has computed before; only the first call does anything. make_cpu_backend calls it.
void limit_cpu_isa_by_environment();

}  // namespace cajal
