// Text for terminals: columns that line up, pieces of tokens that show what they hold.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace cajal {

using TableRow = std::vector<std::string>;

/// Columns padded to their widest entry, two spaces between; `right` says which columns are aligned
/// to the right. One line a row.
std::string format_table(const std::vector<TableRow>& rows, const std::vector<bool>& right = {});

/// One line: control characters and broken UTF-8 as escapes; at most `limit` characters, "…" in
/// place of the rest.
std::string visible(std::string_view text, std::size_t limit = 60);

/// "12.5 %" of 0.125.
std::string percent(double share);

}  // namespace cajal
