#include "text/rewriting_pre_tokenizers.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/utf8.h"
#include "text/byte_level.h"
#include "text/cutting_pre_tokenizers.h"
#include "text/known_patterns.h"
#include "text/precompiled.h"

namespace cajal {
namespace {

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
      split_ = make_split(Pattern::regex(kGpt2Pattern, "GPT-2"), SplitBehavior::Isolated, false);
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
  std::unique_ptr<const PreTokenizer> split_;
};

}  // namespace

std::unique_ptr<const PreTokenizer> make_metaspace(char32_t replacement, PrependScheme scheme,
                                                   bool split) {
  return std::make_unique<Metaspace>(replacement, scheme, split);
}

std::unique_ptr<const PreTokenizer> make_byte_level(bool add_prefix_space, bool use_regex,
                                                    ByteSpelling spelling) {
  return std::make_unique<ByteLevel>(add_prefix_space, use_regex, spelling);
}

}  // namespace cajal
