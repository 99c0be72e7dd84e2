// A text with broken UTF-8 replaced, and the way back to the bytes as they were given.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "text/tokenizer.h"

namespace cajal {

/// How much of a broken sequence one U+FFFD stands for.
enum class BrokenUnit : std::uint8_t {
  MaximalSubpart,  // as Unicode recommends
  Byte             // as SentencePiece does
};

class ValidText {
 public:
  /// `text` must outlive it: where it is valid, nothing is copied.
  explicit ValidText(std::string_view text, BrokenUnit unit = BrokenUnit::MaximalSubpart);
  ValidText(const ValidText&) = delete;
  ValidText& operator=(const ValidText&) = delete;

  std::string_view text() const noexcept { return text_; }
  TokenSpan original(TokenSpan span) const noexcept {
    return origin_.empty() ? span : TokenSpan{origin_[span.begin], origin_[span.end]};
  }

 private:
  std::string repaired_;
  std::vector<std::size_t> origin_;  // of each byte of the repaired text and its end
  std::string_view text_;
};

}  // namespace cajal
