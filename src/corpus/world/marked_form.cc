#include "corpus/world/marked_form.h"

#include <fmt/format.h>

namespace cajal {

std::string with_new_lines(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text.substr(at, 2) == "\\n") {
      out += '\n';
      ++at;
    } else {
      out += text[at];
    }
  }
  return out;
}

MarkedForm parse_marked_form(const Table& table, std::size_t row, std::size_t column,
                             std::initializer_list<std::string_view> slots) {
  const std::string text = with_new_lines(table.at(row, column));
  const std::size_t open = text.find('[');
  const std::size_t close = text.find(']');
  if (open == std::string::npos || close == std::string::npos || close < open + 2 ||
      text.find('[', open + 1) != std::string::npos) {
    table.fail_at(row, fmt::format("the form '{}' needs one text in [ and ]", text));
  }
  for (const std::string_view slot : slots) {
    if (text.find(slot) == std::string::npos) {
      table.fail_at(row, fmt::format("the form '{}' needs {}", text, slot));
    }
  }
  return {.form = text.substr(0, open) + "{mark}" + text.substr(close + 1),
          .mark = text.substr(open + 1, close - open - 1)};
}

}  // namespace cajal
