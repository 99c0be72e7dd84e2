#include "corpus/world/tables.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "corpus/world/world.h"

namespace cajal {
namespace {

using ::testing::HasSubstr;

Table parse(std::string_view text) {
  const std::string_view columns[] = {"b", "a"};
  return Table::parse("things", text, columns);
}

std::string problem_of(std::string_view text) {
  try {
    parse(text);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Table, ColumnsAreInTheOrderAskedFor) {
  const Table table = parse("# a comment\n\na\tx\tb\n1\t2\t3\n4\t5\t6\n");
  ASSERT_EQ(table.rows(), 2);
  EXPECT_EQ(table.at(0, 0), "3");
  EXPECT_EQ(table.at(1, 1), "4");
  EXPECT_EQ(table.column(1), (std::vector<std::string>{"1", "4"}));
  EXPECT_EQ(table.number(1, 0, 0, 9), 6);
}

TEST(Table, SaysInOneSentenceWhatIsWrongWhere) {
  EXPECT_EQ(problem_of("a\tb\n1\n"),
            "world/things.tsv: line 2: 1 cells, but the first line names 2 columns; separate cells "
            "by one tab");
  EXPECT_EQ(problem_of("a\tb\n1\t2\n1\t\n"), "world/things.tsv: line 3: cell 2 is empty");
  EXPECT_THAT(problem_of("a\n1\n"), HasSubstr("line 1: column 'b' is there 0 times"));
  EXPECT_THAT(problem_of("a\tb\ta\n1\t2\t3\n"), HasSubstr("column 'a' is there 2 times"));
  EXPECT_THAT(problem_of("a\tb\n1\t\xFF\n"), HasSubstr("line 2: not UTF-8"));
  EXPECT_THAT(problem_of("a\tb\n"), HasSubstr("without a row"));
  EXPECT_THAT(problem_of(""), HasSubstr("without a row"));
}

TEST(Table, NumbersAreCheckedAgainstTheirRange) {
  const Table table = parse("a\tb\n1x\t7\n");
  EXPECT_THROW(static_cast<void>(table.number(0, 1, 0, 9)), Error);
  EXPECT_THROW(static_cast<void>(table.number(0, 0, 0, 6)), Error);
}

TEST(Tables, ATableThatIsNotThereIsNamedWithThoseThatAre) {
  try {
    static_cast<void>(Tables::embedded().table("nothing", {"a"}));
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("world/nothing.tsv: there is no such table"));
    EXPECT_THAT(error.what(), HasSubstr("states"));
  }
}

std::string world_problem(const std::string& name, const std::string& text) {
  Tables tables = Tables::embedded();
  tables.set(name, text);
  try {
    const World world(tables);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Tables, TheWorldNamesTheLineOfAFactThatCannotBe) {
  EXPECT_EQ(world_problem("cities", "city\tstate\nDallas\tTexas\nParis\tFrance\n"),
            "world/cities.tsv: line 3: 'France' is no state of world/states.tsv");
  EXPECT_EQ(world_problem("cities", "city\tstate\nDallas\tTexas\nDallas\tOhio\n"),
            "world/cities.tsv: line 3: city 'Dallas' is there twice");
  EXPECT_THAT(
      world_problem("countries", "country\tcapital\tlanguage\tcurrency\nA\tB\tC\tD\nA\tE\tF\tG\n"),
      HasSubstr("country 'A' is there twice"));
}

}  // namespace
}  // namespace cajal
