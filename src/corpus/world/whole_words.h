// Words as they stand in a text: to look for what is held out, and to say what must be one token.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cajal {

/// Whether `text` holds `words` with no letter or digit right before or after. Latin letters only:
/// Chinese words have no borders that show.
bool holds_words(std::string_view text, std::string_view words) noexcept;
/// Whether `text` holds all words of one of the `groups`.
bool holds_any(std::string_view text, const std::vector<std::vector<std::string>>& groups) noexcept;

/// "Salt Lake City" as " Salt", " Lake", " City": tokens for words that are said as answers.
void append_whole_words(std::vector<std::string>& out, std::string_view phrase);

}  // namespace cajal
