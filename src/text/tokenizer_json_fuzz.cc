// A tokenizer.json, a zero byte, and a text: load, encode, decode.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "io/json.h"
#include "text/tokenizer_json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::string_view file = input.substr(0, input.find('\0'));
  const std::string_view text = file.size() < size ? input.substr(file.size() + 1) : "Hello, 12 \n";
  try {
    const auto tokenizer =
        cajal::read_tokenizer_json(cajal::Json::parse(file, "fuzz"), "fuzz", file.size());
    const cajal::Encoding found = tokenizer->encode(text, {});
    if (tokenizer->encode_ids(text, {}) != found.ids) {
      __builtin_trap();
    }
    tokenizer->decode(found.ids, cajal::SkipSpecial::No);
    for (const cajal::TokenSpan span : found.offsets) {
      if (span.begin > text.size() || span.end > text.size()) {
        __builtin_trap();
      }
    }
  } catch (const cajal::Error&) {
    return 0;
  }
  return 0;
}
