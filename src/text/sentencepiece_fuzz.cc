// A SentencePiece model: load, encode, decode.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "text/sentencepiece.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  try {
    const auto tokenizer = cajal::make_sentencepiece_tokenizer(
        cajal::SentencePieceModel::parse(input, "fuzz"), {.bos = true, .eos = true}, "fuzz");
    for (const std::string_view text : {std::string_view("Hello,  the \u2581 12\n\xFF"), input}) {
      const cajal::Encoding found = tokenizer->encode(text, {});
      tokenizer->decode(found.ids, cajal::SkipSpecial::No);
    }
  } catch (const cajal::Error&) {
    return 0;
  }
  return 0;
}
