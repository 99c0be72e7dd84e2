#include "cli/text_table.h"

#include <algorithm>

#include <fmt/core.h>

#include "base/utf8.h"

namespace cajal {
namespace {

std::vector<std::size_t> widths_of(const std::vector<TableRow>& rows) {
  std::vector<std::size_t> widths;
  for (const TableRow& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t c = 0; c < row.size(); ++c) {
      widths[c] = std::max(widths[c], count_code_points(row[c]));
    }
  }
  return widths;
}

std::string escaped(CodePoint point, std::string_view bytes) {
  switch (point.value) {
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    default:
      break;
  }
  std::string out;
  const bool control = point.value < 0x20 || (point.value >= 0x7F && point.value < 0xA0);
  if (point.valid && !control) {
    return std::string(bytes);
  }
  for (const char byte : bytes) {
    out += fmt::format("\\x{:02x}", static_cast<unsigned char>(byte));
  }
  return out;
}

}  // namespace

std::string format_table(const std::vector<TableRow>& rows, const std::vector<bool>& right) {
  const std::vector<std::size_t> widths = widths_of(rows);
  std::string out;
  for (const TableRow& row : rows) {
    std::string line;
    for (std::size_t c = 0; c < row.size(); ++c) {
      const std::string padding(widths[c] - count_code_points(row[c]), ' ');
      const bool to_right = c < right.size() && right[c];
      line += c == 0 ? "" : "  ";
      line += to_right ? padding + row[c] : row[c] + padding;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

std::string visible(std::string_view text, std::size_t limit) {
  std::string out;
  for (std::size_t count = 0; !text.empty(); ++count) {
    if (count == limit) {
      return out + "…";
    }
    const CodePoint point = decode_utf8(text);
    out += escaped(point, text.substr(0, point.length));
    text.remove_prefix(point.length);
  }
  return out;
}

std::string percent(double share) {
  return fmt::format("{:.1f} %", 100.0 * share);
}

}  // namespace cajal
