#include "text/pre_tokenizers.h"

#include <array>
#include <string>
#include <utility>

#include "base/error.h"
#include "base/utf8.h"
#include "text/byte_level.h"
#include "text/component.h"
#include "text/known_patterns.h"
#include "text/pattern.h"
#include "text/precompiled.h"
#include "text/splitting.h"
#include "text/unicode.h"

namespace cajal {
namespace {

using Made = std::unique_ptr<const PreTokenizer>;

/// Rebuilds the text piece by piece: change(piece, out, pieces) appends the new text of a piece to
/// `out`, and the pieces it is cut into, relative to its beginning.
template <typename Change>
void rebuild(PreTokenized& text, std::string_view component, const Change& change) {
  AlignedText out{{}, {}, text.text.tracked, text.text.growth};
  std::vector<ByteRange> pieces;
  std::vector<ByteRange> cut;
  for (const ByteRange range : text.pieces) {
    AlignedText piece = slice(text.text, range);
    cut.clear();
    change(range, piece, cut);
    for (const ByteRange part : cut) {
      pieces.push_back({out.text.size() + part.begin, out.text.size() + part.end});
    }
    if (out.growth != nullptr) {
      out.growth->check_size(out.text.size() + piece.text.size(), component);
    }
    out.text += piece.text;
    out.spans.insert(out.spans.end(), piece.spans.begin(), piece.spans.end());
  }
  text.text = std::move(out);
  text.pieces = std::move(pieces);
}

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

enum class PrependScheme : std::uint8_t { Always, Never, First };

/// SentencePiece's way: spaces become "▁", one is put in front, and pieces begin with it.
class Metaspace : public PreTokenizer {
 public:
  Metaspace(char32_t replacement, PrependScheme scheme, bool split)
      : scheme_(scheme), split_(split) {
    append_utf8(replacement_, replacement);
  }

  void apply(PreTokenized& text) const override {
    rebuild(text, "Metaspace",
            [&](ByteRange range, AlignedText& piece, std::vector<ByteRange>& cut) {
              replace_spaces(piece);
              const bool wanted =
                  scheme_ == PrependScheme::Always ||
                  (scheme_ == PrependScheme::First && text.at_start && range.begin == 0);
              if (wanted && !piece.text.starts_with(replacement_)) {
                prepend(piece, replacement_, "Metaspace");
              }
              if (split_) {
                cut_before_replacement(piece.text, cut);
              } else {
                cut.push_back({0, piece.text.size()});
              }
            });
  }

 private:
  void replace_spaces(AlignedText& piece) const {
    if (piece.text.find(' ') == std::string::npos) {
      return;
    }
    AlignedBuilder builder(piece, "Metaspace");
    for (std::size_t at = piece.text.find(' '); at != std::string::npos;
         at = piece.text.find(' ', at + 1)) {
      builder.keep_until(at);
      builder.skip_until(at + 1);
      builder.insert(replacement_);
    }
    builder.keep_until(piece.text.size());
    piece = std::move(builder).finish();
  }

  void cut_before_replacement(std::string_view piece, std::vector<ByteRange>& cut) const {
    std::size_t begin = 0;
    while (begin < piece.size()) {
      const std::size_t end = std::min(piece.size(), piece.find(replacement_, begin + 1));
      cut.push_back({begin, end});
      begin = end;
    }
  }

  std::string replacement_;
  PrependScheme scheme_;
  bool split_;
};

class ByteLevel : public PreTokenizer {
 public:
  ByteLevel(bool add_prefix_space, bool use_regex, ByteSpelling spelling)
      : add_prefix_space_(add_prefix_space), spelling_(spelling) {
    if (use_regex) {
      split_ = std::make_unique<Split>(Pattern::regex(kGpt2Pattern, "GPT-2"),
                                       SplitBehavior::Isolated, false);
    }
  }

  void apply(PreTokenized& text) const override {
    if (add_prefix_space_) {
      rebuild(text, "ByteLevel", [](ByteRange, AlignedText& piece, std::vector<ByteRange>& cut) {
        if (!piece.text.starts_with(' ')) {
          prepend(piece, " ", "ByteLevel");
        }
        cut.push_back({0, piece.text.size()});
      });
    }
    if (split_ != nullptr) {
      split_->apply(text);
    }
    if (spelling_ == ByteSpelling::Alphabet) {
      spell(text);
    }
  }

 private:
  static void spell(PreTokenized& text) {
    rebuild(text, "ByteLevel", [](ByteRange, AlignedText& piece, std::vector<ByteRange>& cut) {
      AlignedText out{{}, {}, piece.tracked, piece.growth};
      for (std::size_t i = 0; i < piece.text.size(); ++i) {
        const std::size_t before = out.text.size();
        append_utf8(out.text, byte_level_alphabet()[static_cast<unsigned char>(piece.text[i])]);
        if (piece.tracked) {
          out.spans.insert(out.spans.end(), out.text.size() - before, piece.spans[i]);
        }
      }
      piece = std::move(out);
      cut.push_back({0, piece.text.size()});
    });
  }

  bool add_prefix_space_;
  ByteSpelling spelling_;
  std::unique_ptr<const Split> split_;
};

class PreTokenizerSequence : public PreTokenizer {
 public:
  explicit PreTokenizerSequence(std::vector<Made> parts) : parts_(std::move(parts)) {}
  void apply(PreTokenized& text) const override {
    for (const Made& part : parts_) {
      if (text.text.growth != nullptr) {
        text.text.growth->work(text.text.text.size(), "Sequence");
      }
      part->apply(text);
    }
  }

 private:
  std::vector<Made> parts_;
};

SplitBehavior read_behavior(const Component& c) {
  const std::string name = c.text("behavior", "Isolated");
  constexpr std::array<std::pair<std::string_view, SplitBehavior>, 5> kNames = {
      {{"Removed", SplitBehavior::Removed},
       {"Isolated", SplitBehavior::Isolated},
       {"MergedWithPrevious", SplitBehavior::MergedWithPrevious},
       {"MergedWithNext", SplitBehavior::MergedWithNext},
       {"Contiguous", SplitBehavior::Contiguous}}};
  for (const auto& [known, behavior] : kNames) {
    if (name == known) {
      return behavior;
    }
  }
  fail(ErrorCode::Unsupported, "{}: the behaviour '{}' is not supported", c.where("behavior"),
       name.substr(0, 100));
}

char32_t read_character(const Component& c, std::string_view field) {
  const std::u32string text = to_utf32(c.text(field));
  if (text.size() != 1) {
    fail(ErrorCode::CorruptData, "{}: expected one character, found {}", c.where(field),
         text.size());
  }
  return text.front();
}

PrependScheme read_scheme(const Component& c) {
  if (c.json().find_value("prepend_scheme") == nullptr) {  // files before 2024
    return c.flag("add_prefix_space", true) ? PrependScheme::Always : PrependScheme::Never;
  }
  const std::string name = c.text("prepend_scheme");
  if (name == "always") {
    return PrependScheme::Always;
  }
  if (name == "never") {
    return PrependScheme::Never;
  }
  if (name == "first") {
    return PrependScheme::First;
  }
  fail(ErrorCode::Unsupported, "{}: '{}' is not supported", c.where("prepend_scheme"),
       name.substr(0, 100));
}

Made make_split(const Component& c, ByteSpelling) {
  return std::make_unique<Split>(Pattern::from_json(c.at("pattern"), c.where("pattern")),
                                 read_behavior(c), c.flag("invert", false));
}

Made make_delimiter_split(const Component& c, ByteSpelling) {
  std::string delimiter;
  append_utf8(delimiter, read_character(c, "delimiter"));
  return std::make_unique<Split>(Pattern::literal(delimiter), SplitBehavior::Removed, false);
}

Made make_digits(const Component& c, ByteSpelling) {
  const bool individual = c.flag("individual_digits", false);
  return std::make_unique<CharacterSplit>(
      is_numeric, individual ? SplitBehavior::Isolated : SplitBehavior::Contiguous);
}

Made make_punctuation(const Component& c, ByteSpelling) {
  return std::make_unique<CharacterSplit>(is_old_punctuation, read_behavior(c));
}

Made make_white_space_split(const Component&, ByteSpelling) {
  return std::make_unique<CharacterSplit>(is_space, SplitBehavior::Removed);
}

Made make_bert(const Component& c, ByteSpelling spelling) {
  std::vector<Made> parts;
  parts.push_back(make_white_space_split(c, spelling));
  parts.push_back(std::make_unique<CharacterSplit>(is_old_punctuation, SplitBehavior::Isolated));
  return std::make_unique<PreTokenizerSequence>(std::move(parts));
}

Made make_metaspace(const Component& c, ByteSpelling) {
  return std::make_unique<Metaspace>(read_character(c, "replacement"), read_scheme(c),
                                     c.flag("split", true));
}

Made make_byte_level(const Component& c, ByteSpelling spelling) {
  return std::make_unique<ByteLevel>(c.flag("add_prefix_space", true), c.flag("use_regex", true),
                                     spelling);
}

Made make_sequence(const Component& c, ByteSpelling last) {
  std::vector<Made> parts;
  const std::vector<Component> components = c.parts("pretokenizers");
  for (std::size_t i = 0; i < components.size(); ++i) {
    const ByteSpelling spelling = i + 1 == components.size() ? last : ByteSpelling::Alphabet;
    Made made = make_pre_tokenizer(components[i].json(), components[i].where(), spelling);
    if (made != nullptr) {
      parts.push_back(std::move(made));
    }
  }
  return std::make_unique<PreTokenizerSequence>(std::move(parts));
}

struct Known {
  std::string_view type;
  Made (*build)(const Component&, ByteSpelling);
  ByteSpelling spelling = ByteSpelling::Alphabet;
  Made make(const Component& c) const { return build(c, spelling); }
};

std::array<Known, 11> known_types(ByteSpelling last) {
  return {
      {{"Sequence", make_sequence, last},
       {"ByteLevel", make_byte_level, last},
       {"Split", make_split, last},
       {"Metaspace", make_metaspace, last},
       {"Digits", make_digits, last},
       {"Punctuation", make_punctuation, last},
       {"Whitespace",
        [](const Component&, ByteSpelling) -> Made { return std::make_unique<Whitespace>(); },
        last},
       {"WhitespaceSplit", make_white_space_split, last},
       {"BertPreTokenizer", make_bert, last},
       {"CharDelimiterSplit", make_delimiter_split, last},
       {"UnicodeScripts",
        [](const Component&, ByteSpelling) -> Made { return std::make_unique<UnicodeScripts>(); },
        last}}};
}

}  // namespace

std::unique_ptr<const PreTokenizer> make_pre_tokenizer(const Json& json, std::string_view where,
                                                       ByteSpelling last) {
  return make_component<Made>(json, where, known_types(last), "pre-tokenizer");
}

bool ends_in_byte_level(const Json& json) {
  const Json* const type = json.find("type");
  if (type == nullptr || !type->is_string()) {
    return false;
  }
  const Json* const parts = json.find("pretokenizers");
  if (parts != nullptr && parts->is_array() && !parts->as_array("").empty()) {
    return ends_in_byte_level(parts->as_array("").back());
  }
  return type->as_string("") == "ByteLevel";
}

}  // namespace cajal
