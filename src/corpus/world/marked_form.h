// Forms as the tables write them: "The opposite of {a} [is] {answer}.", where [..] is the text at
// which the answer is to be known, and \\n a new line.
#pragma once

#include <string>
#include <string_view>

#include "corpus/world/tables.h"

namespace cajal {

struct MarkedForm {
  std::string form;  // with a slot {mark} in the place of [..]
  std::string mark;
  /// Begins with "Human:".
  bool is_chat() const noexcept { return form.starts_with("Human:"); }
};

/// `row` and `column` are of the cell. Throws CorruptData, as Table::fail_at, for a form without
/// one mark and the slots that `slots` lists ("{a}", "{answer}").
MarkedForm parse_marked_form(const Table& table, std::size_t row, std::size_t column,
                             std::initializer_list<std::string_view> slots);

/// "\\n" of a table as a new line.
std::string with_new_lines(std::string_view text);

}  // namespace cajal
