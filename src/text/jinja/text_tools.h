// Splitting, replacing and classifying texts, shared by the methods of str and the filters.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "text/jinja/value.h"

namespace cajal::jinja {

using Parts = std::vector<std::string>;

/// Charges the budget for looking for one text in another; Finder's work is linear in both.
void charge_search(Evaluator& evaluator, std::string_view text, std::string_view wanted);

// At most `most` cuts. The separator is not empty.
Parts split_left(Evaluator& evaluator, std::string_view text, std::string_view separator,
                 std::size_t most);
Parts split_right(Evaluator& evaluator, std::string_view text, std::string_view separator,
                  std::size_t most);
/// At runs of spaces; spaces at both ends vanish.
Parts split_spaces(std::string_view text, std::size_t most);
Parts split_spaces_right(std::string_view text, std::size_t most);

enum class Ends : std::uint8_t { Drop, Keep };
/// str.splitlines: also at \v, \f, \x1c to \x1e, U+0085, U+2028, U+2029.
Parts lines_of(std::string_view text, Ends ends);

/// The first `count` occurrences replaced; all if it is negative.
std::string replaced(Evaluator& evaluator, std::string_view text, std::string_view from,
                     std::string_view to, Int count);

enum class Case : std::uint8_t { Upper, Lower };
/// At least one letter with case, and all such letters of that case.
bool all_in_case(std::string_view text, Case wanted);

/// A number of bytes about to be written; 0 if negative. Charges the budget.
std::size_t checked_size(Evaluator& evaluator, Int bytes);

}  // namespace cajal::jinja
