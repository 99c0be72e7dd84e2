// Hand-written equals of the regular expressions that the well-known families cut text with: many
// times faster than a regular-expression engine, and linear whatever the text.
#pragma once

#include <string_view>
#include <vector>

#include "text/aligned_text.h"

namespace cajal {

/// Appends all matches in `text` (valid UTF-8) from left to right.
using Scanner = void (*)(std::string_view text, std::vector<ByteRange>& matches);

/// The scanner that finds what `pattern` (Oniguruma syntax) does; nullptr if there is none.
Scanner scanner_for(std::string_view pattern);
/// Every pattern that has one, for tests.
std::vector<std::string_view> scanned_patterns();

}  // namespace cajal
