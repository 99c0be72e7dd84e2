// Pre-tokenizers that cut the text where its characters say so, and change none of it.
#pragma once

#include <memory>

#include "text/pattern.h"
#include "text/pre_tokenizers.h"

namespace cajal {

std::unique_ptr<const PreTokenizer> make_split(Pattern pattern, SplitBehavior behavior,
                                               bool inverted);
/// Splits at characters of a class.
std::unique_ptr<const PreTokenizer> make_character_split(bool (*predicate)(char32_t) noexcept,
                                                         SplitBehavior behavior);
/// "\w+|[^\w\s]+": the words, and the signs between them.
std::unique_ptr<const PreTokenizer> make_words_and_signs();
/// Cuts where the script changes.
std::unique_ptr<const PreTokenizer> make_unicode_scripts();

}  // namespace cajal
