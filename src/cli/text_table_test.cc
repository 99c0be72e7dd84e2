#include "cli/text_table.h"

#include <gmock/gmock.h>

namespace cajal {
namespace {

TEST(TextTable, PadsColumnsByCharactersNotBytes) {
  EXPECT_EQ(format_table({{"é", "1"}, {"abc", "22"}}, {false, true}), "é     1\nabc  22\n");
}

TEST(TextTable, TakesRowsOfDifferentLengthAndEndsLinesWithoutSpaces) {
  EXPECT_EQ(format_table({{"a"}, {"bb", "c"}}), "a\nbb  c\n");
}

TEST(Visible, EscapesWhatATerminalWouldObey) {
  EXPECT_EQ(visible("a\nb\t\x1b[0m"), "a\\nb\\t\\x1b[0m");
  EXPECT_EQ(visible("\xe4\xbd"), "\\xe4\\xbd");
  EXPECT_EQ(visible("\xc2\x85"), "\\xc2\\x85");
  EXPECT_EQ(visible("Ġé"), "Ġé");
}

TEST(Visible, CutsLongText) {
  EXPECT_EQ(visible("abcdef", 6), "abcdef");
  EXPECT_EQ(visible("abcdefg", 6), "abcdef…");
}

}  // namespace
}  // namespace cajal
