// A text under normalisation that remembers, for each of its bytes, where it came from.
//
// Spans are kept by the rules of the reference library: a replaced character has the span of the
// character it replaced, an inserted one that of the character before it. Tracking is optional,
// because ids alone do not need it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "text/growth.h"
#include "text/tokenizer.h"

namespace cajal {

/// Bytes [begin, end) of some text.
struct ByteRange {
  std::size_t begin = 0;
  std::size_t end = 0;
  std::size_t size() const noexcept { return end - begin; }
  friend bool operator==(const ByteRange&, const ByteRange&) = default;
};

struct AlignedText {
  std::string text;              // valid UTF-8
  std::vector<TokenSpan> spans;  // one for each byte, those of one character equal; or not tracked
  bool tracked = false;
  Growth* growth = nullptr;  // what it may become; null: anything

  std::string_view view(ByteRange range) const noexcept {
    return std::string_view(text).substr(range.begin, range.size());
  }
  /// Where the bytes [begin, end) came from; empty at 0 for an empty range. Needs tracking.
  TokenSpan source(ByteRange range) const noexcept;
};

/// Text that is its own source, its first byte being `offset` in the original.
AlignedText identity_text(std::string_view text, std::size_t offset, bool tracked,
                          Growth* growth = nullptr);
/// A part of a text as a text of its own.
AlignedText slice(const AlignedText& text, ByteRange range);

/// Builds the changed text from left to right, reading the old one. Throws ResourceExhausted naming
/// `component` where the text becomes longer than its Growth allows.
class AlignedBuilder {
 public:
  AlignedBuilder(const AlignedText& old, std::string_view component);

  /// The old bytes up to `end`, unchanged.
  void keep_until(std::size_t end);
  /// Goes to `position` of the old text without keeping what lies between.
  void skip_until(std::size_t position) noexcept { position_ = position; }
  /// `c` in the place of the next old character and of `dropped` more after it.
  void replace(char32_t c, std::size_t dropped = 0);
  /// `c` that no old character stands for.
  void insert(char32_t c);
  void insert(std::string_view text);

  std::size_t size() const noexcept { return result_.text.size(); }  // of what is built
  std::size_t position() const noexcept { return position_; }        // in the old text
  AlignedText finish() && { return std::move(result_); }

 private:
  void append(char32_t c, TokenSpan span);
  void check_room(std::size_t more) const;
  const AlignedText& old_;
  std::string_view component_;
  std::size_t position_ = 0;
  AlignedText result_;
};

}  // namespace cajal
