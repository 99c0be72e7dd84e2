#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "io/json.h"

/// What can be read can be written, and is the same when read again.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const cajal::Json x = cajal::Json::parse({reinterpret_cast<const char*>(data), size}, "fuzz");
    if (cajal::Json::parse(x.dump(), "again") != x || cajal::Json::parse(x.dump(1), "again") != x) {
      std::abort();
    }
  } catch (const cajal::Error&) {
    return 0;
  }
  return 0;
}
