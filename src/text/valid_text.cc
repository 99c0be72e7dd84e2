#include "text/valid_text.h"

#include "base/utf8.h"

namespace cajal {

ValidText::ValidText(std::string_view text, BrokenUnit unit) : text_(text) {
  if (is_valid_utf8(text)) {
    return;
  }
  for (std::size_t i = 0; i < text.size();) {
    CodePoint c = decode_utf8(text.substr(i));
    if (!c.valid && unit == BrokenUnit::Byte) {
      c.length = 1;
    }
    append_utf8(repaired_, c.value);
    origin_.resize(repaired_.size(), i);
    i += c.length;
  }
  origin_.push_back(text.size());
  text_ = repaired_;
}

}  // namespace cajal
