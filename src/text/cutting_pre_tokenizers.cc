#include "text/cutting_pre_tokenizers.h"

#include <utility>

#include "base/utf8.h"
#include "text/splitting.h"
#include "text/unicode.h"

namespace cajal {
namespace {

class Split : public PreTokenizer {
 public:
  Split(Pattern pattern, SplitBehavior behavior, bool inverted)
      : pattern_(std::move(pattern)), behavior_(behavior), inverted_(inverted) {}

  void apply(PreTokenized& text) const override {
    if (behavior_ == SplitBehavior::Isolated) {  // the same either way round
      isolate(text);
      return;
    }
    std::vector<ByteRange> pieces;
    std::vector<ByteRange> matches;
    for (const ByteRange piece : text.pieces) {
      matches.clear();
      pattern_.find_all(text.text.view(piece), matches);
      std::vector<Stretch> stretches = with_gaps(matches, piece.size());
      for (Stretch& stretch : stretches) {
        stretch.match = stretch.match != inverted_;
      }
      join_stretches(stretches, behavior_, piece.begin, pieces);
    }
    text.pieces = std::move(pieces);
  }

 private:
  void isolate(PreTokenized& text) const {
    std::vector<ByteRange> pieces;
    std::vector<ByteRange> matches;
    for (const ByteRange piece : text.pieces) {
      matches.clear();
      pattern_.find_all(text.text.view(piece), matches);
      std::size_t end = piece.begin;
      for (const ByteRange match : matches) {
        const ByteRange moved{piece.begin + match.begin, piece.begin + match.end};
        if (moved.begin > end) {
          pieces.push_back({end, moved.begin});
        }
        if (moved.size() > 0) {
          pieces.push_back(moved);
        }
        end = moved.end;
      }
      if (end < piece.end) {
        pieces.push_back({end, piece.end});
      }
    }
    text.pieces = std::move(pieces);
  }

  Pattern pattern_;
  SplitBehavior behavior_;
  bool inverted_;
};

/// Splits at characters of a class.
class CharacterSplit : public PreTokenizer {
 public:
  using Predicate = bool (*)(char32_t) noexcept;
  CharacterSplit(Predicate predicate, SplitBehavior behavior)
      : predicate_(predicate), behavior_(behavior) {}
  void apply(PreTokenized& text) const override {
    split_pieces(text, behavior_, [&](std::string_view piece, std::vector<ByteRange>& matches) {
      match_characters(piece, predicate_, matches);
    });
  }

 private:
  Predicate predicate_;
  SplitBehavior behavior_;
};

/// "\w+|[^\w\s]+": the words, and the signs between them.
class Whitespace : public PreTokenizer {
 public:
  void apply(PreTokenized& text) const override {
    std::vector<ByteRange> pieces;
    for (const ByteRange range : text.pieces) {
      int last = 0;
      for (std::size_t i = range.begin; i < range.end;) {
        const CodePoint c = decode_utf8(std::string_view(text.text.text).substr(i));
        const int kind = is_word(c.value) ? 1 : is_space(c.value) ? 0 : 2;
        if (kind != 0 && kind == last) {
          pieces.back().end += c.length;
        } else if (kind != 0) {
          pieces.push_back({i, i + c.length});
        }
        last = kind;
        i += c.length;
      }
    }
    text.pieces = std::move(pieces);
  }
};

/// Cuts where the script changes. What stands before the first character that has one is lost, as
/// it is in the reference.
class UnicodeScripts : public PreTokenizer {
 public:
  void apply(PreTokenized& text) const override {
    std::vector<ByteRange> pieces;
    for (const ByteRange range : text.pieces) {
      std::uint8_t last = 0;
      for (std::size_t i = range.begin; i < range.end;) {
        const CodePoint c = decode_utf8(std::string_view(text.text.text).substr(i));
        const std::uint8_t script = script_of(c.value);
        if (script != 0 && script != last) {
          pieces.push_back({i, i});
        }
        last = script != 0 ? script : last;
        i += c.length;
        if (last != 0) {
          pieces.back().end = i;
        }
      }
    }
    text.pieces = std::move(pieces);
  }
};

}  // namespace

std::unique_ptr<const PreTokenizer> make_split(Pattern pattern, SplitBehavior behavior,
                                               bool inverted) {
  return std::make_unique<Split>(std::move(pattern), behavior, inverted);
}

std::unique_ptr<const PreTokenizer> make_character_split(bool (*predicate)(char32_t) noexcept,
                                                         SplitBehavior behavior) {
  return std::make_unique<CharacterSplit>(predicate, behavior);
}

std::unique_ptr<const PreTokenizer> make_words_and_signs() {
  return std::make_unique<Whitespace>();
}

std::unique_ptr<const PreTokenizer> make_unicode_scripts() {
  return std::make_unique<UnicodeScripts>();
}

}  // namespace cajal
