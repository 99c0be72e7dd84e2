// What this machine can do.
#pragma once

#include <string>

namespace cajal {

/// The instruction set that the CPU kernels use here, such as "AVX512".
std::string instruction_set();

}  // namespace cajal
