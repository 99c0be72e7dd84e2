#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/error.h"
#include "io/json.h"

/// What can be read can be written, and gives the same text when read and written again.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const cajal::Json x = cajal::Json::parse({reinterpret_cast<const char*>(data), size}, "fuzz");
    const std::string text = x.dump();
    if (cajal::Json::parse(text, "again").dump() != text ||
        cajal::Json::parse(x.dump(1), "again").dump() != text) {
      std::abort();
    }
  } catch (const cajal::Error&) {
    return 0;
  }
  return 0;
}
