#include "text/added_tokens.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/utf8.h"
#include "text/unicode.h"

namespace cajal {
namespace {

/// Begin of the last character before `at`, which is not 0. The text is valid UTF-8.
std::size_t before(std::string_view text, std::size_t at) noexcept {
  do {
    --at;
  } while ((static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80);
  return at;
}

char32_t character(std::string_view text, std::size_t at) noexcept {
  return decode_utf8(text.substr(at)).value;
}

std::size_t spaces_begin(std::string_view text, std::size_t at, std::size_t limit) noexcept {
  while (at > limit && is_space(character(text, before(text, at)))) {
    at = before(text, at);
  }
  return std::max(at, limit);
}

std::size_t spaces_end(std::string_view text, std::size_t at) noexcept {
  while (at < text.size() && is_space(character(text, at))) {
    at += decode_utf8(text.substr(at)).length;
  }
  return at;
}

bool stands_alone(std::string_view text, ByteRange match) noexcept {
  const bool left = match.begin > 0 && is_word(character(text, before(text, match.begin)));
  const bool right = match.end < text.size() && is_word(character(text, match.end));
  return !left && !right;
}

}  // namespace

AddedTokens::AddedTokens(std::vector<AddedToken> tokens, const Normalizer* normalizer)
    : tokens_(std::move(tokens)) {
  for (std::size_t i = 0; i < tokens_.size(); ++i) {
    const AddedToken& token = tokens_[i];
    by_id_.emplace(token.id, i);
    by_content_.emplace(token.content, token.id);
    AlignedText content = identity_text(token.content, 0, false);
    if (token.normalized && normalizer != nullptr) {
      normalizer->apply(content);
    }
    Index& index = token.normalized ? normalized_ : as_given_;
    index.trie.add(content.text, static_cast<std::int32_t>(i));
    if (!content.text.empty()) {
      index.starts[static_cast<unsigned char>(content.text.front())] = true;
      index.empty = false;
    }
    spellings_.push_back(std::move(content.text));
  }
}

std::vector<AddedPart> AddedTokens::split(std::string_view text, Stage stage,
                                          bool special_as_text) const {
  const Index& index = stage == Stage::AsGiven ? as_given_ : normalized_;
  std::vector<AddedPart> out;
  std::size_t done = 0;  // everything before it is in `out`
  for (std::size_t i = 0; i < text.size() && !index.empty;) {
    const ByteTrie::Match match = index.starts[static_cast<unsigned char>(text[i])]
                                      ? index.trie.longest(text.substr(i))
                                      : ByteTrie::Match{};
    if (match.length == 0) {
      ++i;
      continue;
    }
    const AddedToken& token = tokens_[static_cast<std::size_t>(match.value)];
    ByteRange range{i, i + match.length};
    i = range.end;
    if (range.end <= done || !allowed(token, text, range, special_as_text)) {
      continue;
    }
    range.begin =
        std::max(done, token.lstrip ? spaces_begin(text, range.begin, done) : range.begin);
    range.end = token.rstrip ? spaces_end(text, range.end) : range.end;
    if (done < range.begin) {
      out.push_back({{done, range.begin}, std::nullopt});
    }
    out.push_back({range, token.id});
    done = range.end;
  }
  if (done < text.size()) {
    out.push_back({{done, text.size()}, std::nullopt});
  }
  return out;
}

bool AddedTokens::allowed(const AddedToken& token, std::string_view text, ByteRange match,
                          bool special_as_text) const {
  return !(special_as_text && token.special) && !(token.single_word && !stands_alone(text, match));
}

const AddedToken* AddedTokens::find(TokenId id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : &tokens_[found->second];
}

std::optional<TokenId> AddedTokens::id_of(std::string_view content) const {
  const auto found = by_content_.find(std::string(content));
  return found == by_content_.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace cajal
