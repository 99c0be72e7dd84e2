#include "corpus/world/whole_words.h"

#include <algorithm>

#include <fmt/format.h>

namespace cajal {
namespace {

bool is_ascii_word(char c) noexcept {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// U+00C0 to U+027F, near enough to all accented Latin letters.
bool is_latin_lead(char c) noexcept {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0xC3U && byte <= 0xC9U;
}

bool is_letter_before(std::string_view text, std::size_t at) noexcept {
  return at > 0 && (is_ascii_word(text[at - 1]) || (at > 1 && is_latin_lead(text[at - 2])));
}

bool is_letter_at(std::string_view text, std::size_t at) noexcept {
  return at < text.size() && (is_ascii_word(text[at]) || is_latin_lead(text[at]));
}

}  // namespace

bool holds_words(std::string_view text, std::string_view words) noexcept {
  for (std::size_t at = text.find(words); at != std::string_view::npos;
       at = text.find(words, at + 1)) {
    if (!is_letter_before(text, at) && !is_letter_at(text, at + words.size())) {
      return true;
    }
  }
  return false;
}

bool holds_any(std::string_view text,
               const std::vector<std::vector<std::string>>& groups) noexcept {
  return std::any_of(groups.begin(), groups.end(), [&](const std::vector<std::string>& group) {
    return std::all_of(group.begin(), group.end(),
                       [&](const std::string& words) { return holds_words(text, words); });
  });
}

void append_whole_words(std::vector<std::string>& out, std::string_view phrase) {
  for (std::size_t at = 0; at < phrase.size();) {
    const std::size_t end = std::min(phrase.find(' ', at), phrase.size());
    out.push_back(fmt::format(" {}", phrase.substr(at, end - at)));
    at = end + 1;
  }
}

}  // namespace cajal
