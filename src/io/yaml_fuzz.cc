#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "io/yaml.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    cajal::parse_yaml({reinterpret_cast<const char*>(data), size}, "fuzz").dump();
  } catch (const cajal::Error&) {
    return 0;
  }
  return 0;
}
