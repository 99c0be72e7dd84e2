#include "corpus/world/tables.h"

#include <algorithm>
#include <charconv>

#include "base/error.h"
#include "base/split.h"
#include "base/utf8.h"

namespace cajal {
namespace {

[[noreturn]] void fail_in(std::string_view name, std::size_t line, std::string_view problem) {
  fail(ErrorCode::CorruptData, "world/{}.tsv: line {}: {}", name, line, problem);
}

/// Where each of `wanted` stands in the header.
std::vector<std::size_t> find_columns(std::span<const std::string_view> header,
                                      std::span<const std::string_view> wanted,
                                      std::string_view name, std::size_t line) {
  std::vector<std::size_t> out;
  for (const std::string_view column : wanted) {
    const auto count = std::count(header.begin(), header.end(), column);
    if (count != 1) {
      fail_in(name, line,
              fmt::format("column '{}' is there {} times; name it once in the first line", column,
                          count));
    }
    out.push_back(
        static_cast<std::size_t>(std::find(header.begin(), header.end(), column) - header.begin()));
  }
  return out;
}

void check_cells(std::span<const std::string_view> cells, std::size_t width, std::string_view name,
                 std::size_t line) {
  if (cells.size() != width) {
    fail_in(name, line,
            fmt::format("{} cells, but the first line names {} columns; separate cells by one tab",
                        cells.size(), width));
  }
  const auto empty = std::find(cells.begin(), cells.end(), std::string_view());
  if (empty != cells.end()) {
    fail_in(name, line, fmt::format("cell {} is empty", empty - cells.begin() + 1));
  }
}

}  // namespace

Table Table::parse(std::string_view name, std::string_view text,
                   std::span<const std::string_view> columns) {
  Table out;
  out.name_ = name;
  out.width_ = columns.size();
  std::vector<std::size_t> places;
  std::size_t width = 0;
  std::size_t number = 0;
  for (const std::string_view line : split(text, '\n')) {
    ++number;
    if (line.empty() || line.front() == '#') {
      continue;
    }
    if (!is_valid_utf8(line)) {
      fail_in(name, number, "not UTF-8");
    }
    const std::vector<std::string_view> cells = split(line, '\t');
    if (width == 0) {
      width = cells.size();
      places = find_columns(cells, columns, name, number);
      continue;
    }
    check_cells(cells, width, name, number);
    for (const std::size_t place : places) {
      out.cells_.emplace_back(cells[place]);
    }
    out.lines_.push_back(number);
  }
  if (out.lines_.empty()) {
    fail_in(name, number, "the table ends without a row; give a line of column names and rows");
  }
  return out;
}

std::vector<std::string> Table::column(std::size_t column) const {
  std::vector<std::string> out;
  for (std::size_t row = 0; row < rows(); ++row) {
    out.push_back(at(row, column));
  }
  return out;
}

int Table::number(std::size_t row, std::size_t column, int min, int max) const {
  const std::string& text = at(row, column);
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < min || value > max) {
    fail_at(row, fmt::format("'{}' is no number from {} to {}", text, min, max));
  }
  return value;
}

void Table::fail_at(std::size_t row, std::string_view problem) const {
  fail_in(name_, lines_[row], problem);
}

Table Tables::table(std::string_view name, std::initializer_list<std::string_view> columns) const {
  const auto found = texts_.find(name);
  if (found == texts_.end()) {
    std::string names;
    for (const auto& [known, text] : texts_) {
      names += (names.empty() ? "" : ", ") + known;
    }
    fail(ErrorCode::NotFound, "world/{}.tsv: there is no such table; these are: {}", name, names);
  }
  return Table::parse(name, found->second, {columns.begin(), columns.size()});
}

}  // namespace cajal
