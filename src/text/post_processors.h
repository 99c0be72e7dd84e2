// The "post_processor" of a tokenizer.json: special tokens around the text, and narrower offsets.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "io/json.h"
#include "text/token.h"
#include "text/tokenizer.h"

namespace cajal {

struct PostProcessing {
  struct SpecialToken {
    TokenId id = 0;
    std::string piece;
  };
  std::vector<SpecialToken> before;
  std::vector<SpecialToken> after;
  bool trim_offsets = false;      // spaces at the ends of a token do not count
  bool add_prefix_space = false;  // but the first space of the text does

  /// Throws Unsupported naming a type or a template that is not known, CorruptData for a wrong
  /// field. A JSON null does nothing.
  static PostProcessing from_json(const Json& json, std::string_view where);

  /// Narrows the offsets of tokens that begin or end in spaces; `text` is what they point into.
  void trim(Encoding& encoding, std::string_view text) const;
};

}  // namespace cajal
