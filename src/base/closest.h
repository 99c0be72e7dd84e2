// "Did you mean …?": the name that somebody who mistyped one most likely meant.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace cajal {

/// The candidate with the fewest letters to insert, delete or change (Levenshtein's distance), the
/// first of equals; of a long `name` the first 100 bytes count. Empty if there are no candidates.
std::string closest(std::string_view name, const std::vector<std::string>& candidates);

}  // namespace cajal
