// The fact tables of the folder world/, which the build puts into the program.
//
// A table is tab-separated text: lines that begin with '#' and empty lines are skipped, the first
// other line names the columns, and every row has as many cells as that.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cajal {

class Table {
 public:
  /// `name` as in world/NAME.tsv. Throws CorruptData naming file and line for text that is not
  /// UTF-8, a row with another number of cells, an empty cell, a column that is missing or named
  /// twice, and a table without rows. Columns beyond `columns` are ignored.
  static Table parse(std::string_view name, std::string_view text,
                     std::span<const std::string_view> columns);

  std::size_t rows() const noexcept { return lines_.size(); }
  /// `column`: its place in the `columns` given to parse.
  const std::string& at(std::size_t row, std::size_t column) const {
    return cells_[row * width_ + column];
  }
  /// One whole column.
  std::vector<std::string> column(std::size_t column) const;
  /// A cell as a number from `min` to `max`; throws as fail_at otherwise.
  int number(std::size_t row, std::size_t column, int min, int max) const;
  /// Throws CorruptData "world/NAME.tsv: line N: PROBLEM", for what only the task can know.
  [[noreturn]] void fail_at(std::size_t row, std::string_view problem) const;

 private:
  std::string name_;
  std::size_t width_ = 0;
  std::vector<std::string> cells_;  // [rows, width_]
  std::vector<std::size_t> lines_;  // of each row, counted from 1
};

class Tables {
 public:
  /// Those of world/. Defined in a source that cmake/EmbedTables.cmake writes.
  static Tables embedded();

  /// Puts a table in, or another in its place: tests do.
  void set(std::string name, std::string text) { texts_[std::move(name)] = std::move(text); }
  /// Throws NotFound naming the tables there are, and what Table::parse throws.
  Table table(std::string_view name, std::initializer_list<std::string_view> columns) const;

 private:
  std::map<std::string, std::string, std::less<>> texts_;
};

}  // namespace cajal
