#include <cstdint>

#include "base/error.h"
#include "io/gguf.h"

namespace {

void read_value(const cajal::Gguf& file, const cajal::GgufValue& value) {
  if (value.kind == cajal::GgufKind::String && value.is_array) {
    file.find_strings(value.key);
  } else if (value.kind == cajal::GgufKind::String) {
    file.find_string(value.key);
  } else if (value.kind == cajal::GgufKind::Bool) {
    file.find_bool(value.key);
  } else {
    file.find_floats(value.key);
    file.find_ints(value.key);
  }
}

template <typename Action>
void ignore_errors(const Action& action) {
  try {
    action();
  } catch (const cajal::Error&) {
    return;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ignore_errors([&] {
    const auto file = cajal::Gguf::parse(std::as_bytes(std::span(data, size)), "fuzz");
    for (const cajal::GgufValue& value : file->metadata()) {
      ignore_errors([&] { read_value(*file, value); });
    }
    for (const cajal::StoredTensor& tensor : file->tensors()) {
      ignore_errors([&] { cajal::decode(tensor); });
    }
  });
  return 0;
}
