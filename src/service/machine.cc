#include "service/machine.h"

#include "ops/cpu/isa.h"

namespace cajal {

std::string instruction_set() {
  return cpu_isa_name();
}

}  // namespace cajal
