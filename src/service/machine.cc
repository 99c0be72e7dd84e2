#include "service/machine.h"

namespace cajal {

std::string instruction_set() {
  return "x86-64";
}

}  // namespace cajal
