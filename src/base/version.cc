#include "base/version.h"

namespace cajal {

std::string_view version() noexcept {
  return CAJAL_VERSION;
}

}  // namespace cajal
