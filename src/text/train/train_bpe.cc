#include "text/train/train_bpe.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "base/error.h"
#include "base/utf8.h"

namespace cajal {
namespace {

bool is_han(char32_t c) noexcept {
  return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3040 && c <= 0x30FF);
}

bool is_several_han(std::string_view word) {
  const std::u32string letters = to_utf32(word);
  return letters.size() > 1 && std::all_of(letters.begin(), letters.end(), is_han);
}

std::string_view without_space(std::string_view word) {
  return word.starts_with(' ') ? word.substr(1) : word;
}

std::vector<std::string> several_han(const std::vector<std::string>& words) {
  std::vector<std::string> out;
  std::copy_if(words.begin(), words.end(), std::back_inserter(out), is_several_han);
  return out;
}

AddedTokens special_tokens(const std::vector<std::string>& names) {
  std::vector<AddedToken> out;
  for (const std::string& name : names) {
    const bool printable =
        std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c < 127; });
    check(!name.empty() && printable,
          "special token '{}': must be printable ASCII characters without spaces", name);
    check(std::none_of(out.begin(), out.end(),
                       [&](const AddedToken& t) { return t.content == name; }),
          "special token '{}': is given twice", name);
    out.push_back({.id = static_cast<TokenId>(out.size()), .content = name, .special = true});
  }
  return AddedTokens(std::move(out), nullptr);
}

/// Calls take(word) for each word of a text.
template <typename Take>
void for_each_word(std::string_view text, const AddedTokens& special, const Pattern& pattern,
                   const Take& take) {
  std::vector<ByteRange> words;
  for (const AddedPart& part : special.split(text, AddedTokens::Stage::AsGiven, false)) {
    if (part.token) {
      continue;
    }
    const std::string_view piece = text.substr(part.range.begin, part.range.size());
    words.clear();
    pattern.find_all(piece, words);
    for (const ByteRange word : words) {
      take(piece.substr(word.begin, word.size()));
    }
  }
}

}  // namespace

std::vector<std::string> number_tokens() {
  std::vector<std::string> out;
  for (int n = 0; n < 100; ++n) {
    out.push_back(fmt::format("{:02}", n));
  }
  for (int n = 100; n < 200; ++n) {
    out.push_back(fmt::format("{}", n));
  }
  return out;
}

std::string word_pattern(std::vector<std::string> together) {
  std::sort(together.begin(), together.end(), [](const std::string& a, const std::string& b) {
    return a.size() != b.size() ? a.size() > b.size() : a < b;  // the longest is tried first
  });
  std::string out;
  for (const std::string& word : together) {
    out += word + "|";
  }
  const std::string han = "一-鿿぀-ヿ";
  return out +
         fmt::format(R"([{0}]|(?<![0-9])1[0-9][0-9](?![0-9])|[0-9][0-9]?|\n)"
                     R"(|'(?:s|t|re|ve|m|ll|d)(?![\p{{L}}])| ?(?:(?![{0}])[\p{{L}}\p{{M}}])++)"
                     R"(| ?[^\s\p{{L}}\p{{M}}0-9]+|[^\S\n]+(?!\S)|[^\S\n]+)",
                     han);
}

bool is_one_word(std::string_view word) {
  static const Pattern pattern = Pattern::regex(word_pattern(), "the words of a text");
  std::vector<ByteRange> parts;
  if (word.empty() || !is_valid_utf8(word)) {
    return false;
  }
  pattern.find_all(word, parts);
  return is_several_han(word) || (parts.size() == 1 && parts[0].size() == word.size());
}

std::vector<std::string> words_to_spell(const std::vector<std::string>& names) {
  constexpr std::size_t kCommon = 3;
  std::map<std::string, std::set<std::string>> holders;
  std::set<std::string> out;
  for (const std::string& name : names) {
    std::size_t words = 0;
    for (std::size_t begin = 0; begin < name.size();) {
      const std::size_t end = std::min(name.find(' ', begin), name.size());
      if (end > begin) {
        holders[name.substr(begin, end - begin)].insert(name);
        ++words;
      }
      begin = end + 1;
    }
    if (words == 1) {
      out.insert(std::string(without_space(name)));
    }
  }
  for (const auto& [word, of] : holders) {
    if (of.size() < kCommon) {
      out.insert(word);
    }
  }
  return {out.begin(), out.end()};
}

BpeTrainer::BpeTrainer(BpeRecipe recipe)
    : recipe_(std::move(recipe)),
      text_pattern_(word_pattern(several_han(recipe_.whole))),
      pattern_(Pattern::regex(text_pattern_, "the words of a text")),
      special_(special_tokens(recipe_.special)) {
  for (const std::string& word : recipe_.whole) {
    check(is_one_word(word),
          "whole word '{}': text is cut inside it, so it cannot be one token; give a single word",
          sanitize_utf8(word));
  }
  check(recipe_.bos.empty() || special_.id_of(recipe_.bos),
        "the token '{}' that begins a text is not among the special tokens", recipe_.bos);
}

void BpeTrainer::add(std::string_view text) {
  check(is_valid_utf8(text), "text to train a tokenizer on is not valid UTF-8");
  for_each_word(text, special_, pattern_, [&](std::string_view word) {
    const auto found = counts_.find(word);
    if (found != counts_.end()) {
      ++found->second;
    } else {
      counts_.emplace(word, 1);
    }
  });
}

void BpeTrainer::add_required(PieceTable& pieces) const {
  for (const std::string& name : recipe_.special) {
    pieces.add(name);
  }
  for (int byte = 0; byte < 256; ++byte) {
    pieces.add(std::string(1, static_cast<char>(byte)));
  }
  for (const std::string& number : number_tokens()) {
    pieces.add(number);
  }
  for (const std::string& word : recipe_.whole) {
    add_whole(word, pieces);
  }
}

void BpeTrainer::add_whole(const std::string& word, PieceTable& pieces) const {
  const std::string spaced = " " + word;
  const bool alone = word.starts_with(' ') || is_several_han(word);  // no other form of it
  const bool has_spaced = !alone && counts_.count(spaced) != 0;
  const bool has_plain = alone || counts_.count(word) != 0;
  if (has_plain) {
    pieces.add(word);
  }
  if (has_spaced || !has_plain) {
    pieces.add(spaced);
  }
}

std::vector<CountedWord> BpeTrainer::counted_words(const PieceTable& pieces) const {
  std::map<std::string_view, std::size_t> names;
  for (const std::string& word : recipe_.spelled) {
    names.emplace(without_space(word), names.size());
  }
  std::vector<CountedWord> out;
  for (const auto& [word, count] : counts_) {
    if (pieces.id_of(word)) {
      continue;  // one token already
    }
    const auto name = names.find(without_space(word));
    out.push_back({word, count, name == names.end() ? std::nullopt : std::optional(name->second)});
  }
  return out;
}

TrainedBpe BpeTrainer::train() const {
  check(!counts_.empty(), "there is no text to train a tokenizer on");
  TrainedBpe out{recipe_.special, {}, {}, recipe_.bos, text_pattern_};
  add_required(out.pieces);
  const std::size_t required = out.pieces.size();
  check(recipe_.vocab >= required,
        "a vocabulary of {} is too small: {} special tokens, 256 bytes, {} numbers and the whole "
        "words need {}; give it more, or fewer whole words",
        recipe_.vocab, recipe_.special.size(), number_tokens().size(), required);
  MergeLimits limits{recipe_.vocab, recipe_.min_count, recipe_.min_names, {}};
  for (const std::string& word : recipe_.spelled) {
    limits.never.insert(std::string(without_space(word)));
    limits.never.insert(" " + std::string(without_space(word)));
  }
  out.merges = learn_merges(counted_words(out.pieces), limits, out.pieces);
  return out;
}

}  // namespace cajal
