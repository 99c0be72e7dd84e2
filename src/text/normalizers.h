// The "normalizer" of a tokenizer.json: what is done to the text before it is cut.
#pragma once

#include <memory>
#include <string_view>

#include "io/json.h"
#include "text/aligned_text.h"

namespace cajal {

class Normalizer {
 public:
  Normalizer() = default;
  Normalizer(const Normalizer&) = delete;
  Normalizer& operator=(const Normalizer&) = delete;
  virtual ~Normalizer() = default;
  virtual void apply(AlignedText& text) const = 0;
};

/// Null for a JSON null. Throws Unsupported naming a type that is not known, CorruptData for a
/// wrong field; `where` is the path in the document.
std::unique_ptr<const Normalizer> make_normalizer(const Json& json, std::string_view where);
std::unique_ptr<const Normalizer> make_nfc_normalizer();

}  // namespace cajal
