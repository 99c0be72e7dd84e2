#include "corpus/reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/file.h"
#include "testing/files.h"

namespace cajal {
namespace {

using ::testing::HasSubstr;
using testing::TemporaryFolder;

const Document kDallas = {.text = "é: Dallas\n",
                          .spans = {{.begin = 4, .end = 10, .kind = "state", .value = "Texas"}}};

std::string problem_of_line(std::string_view line) {
  const TemporaryFolder folder;
  write_file(folder / "x.jsonl", line);
  try {
    read_documents(folder / "x.jsonl");
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Reader, ReadsBackWhatToLineWrites) {
  const TemporaryFolder folder;
  write_file(folder / "x.jsonl", to_line(kDallas) + "\n" + to_line({.text = "b", .spans = {}}));
  const std::vector<Document> read = read_documents(folder / "x.jsonl");
  ASSERT_EQ(read.size(), 2);
  EXPECT_EQ(read[0], kDallas);
  EXPECT_EQ(read[1].text, "b");
}

TEST(Reader, PlainTextIsOneDocument) {
  const TemporaryFolder folder;
  write_file(folder / "x.txt", "one\n\ntwo\n");
  const std::vector<Document> read = read_documents(folder / "x.txt");
  ASSERT_EQ(read.size(), 1);
  EXPECT_EQ(read[0].text, "one\n\ntwo\n");
}

TEST(Reader, AListInJsonIsADocumentForEachEntry) {
  const TemporaryFolder folder;
  write_file(folder / "x.json", R"(["one\ntwo", {"text": "three"}])");
  const std::vector<Document> read = read_documents(folder / "x.json");
  ASSERT_EQ(read.size(), 2);
  EXPECT_EQ(read[0].text, "one\ntwo");
  EXPECT_EQ(read[1].text, "three");
  write_file(folder / "y.json", R"(["one", 2])");
  try {
    read_documents(folder / "y.json");
    ADD_FAILURE() << "a number was taken for a text";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("y.json: entry 2"));
  }
}

TEST(Reader, NamesTheLineThatIsWrong) {
  EXPECT_THAT(problem_of_line("{\"text\": \"a\"}\n{\"txt\": \"b\"}\n"),
              HasSubstr("x.jsonl: line 2"));
  EXPECT_THAT(problem_of_line("{\"text\": 7}\n"), HasSubstr("line 1"));
  EXPECT_THAT(problem_of_line("nothing\n"), HasSubstr("line 1"));
}

TEST(Reader, RefusesSpansOutsideOfTheText) {
  EXPECT_THAT(problem_of_line(
                  R"({"text": "ab", "spans": [{"begin": 1, "end": 3, "kind": "k", "value": ""}]})"),
              HasSubstr("spans[0]: bytes 1 to 3 are no range of a text of 2 bytes"));
  EXPECT_THAT(problem_of_line(
                  R"({"text": "ab", "spans": [{"begin": 1, "end": 1, "kind": "k", "value": ""}]})"),
              HasSubstr("bytes 1 to 1"));
  EXPECT_THAT(
      problem_of_line(
          R"({"text": "ab", "spans": [{"begin": -1, "end": 1, "kind": "k", "value": ""}]})"),
      HasSubstr("bytes -1 to 1"));
}

TEST(Reader, RefusesFilesWithoutText) {
  const TemporaryFolder folder;
  write_file(folder / "empty.txt", "");
  write_file(folder / "broken.txt", "a\xFF");
  EXPECT_THROW(read_documents(folder / "empty.txt"), Error);
  EXPECT_THROW(read_documents(folder / "broken.txt"), Error);
  EXPECT_THROW(read_documents(folder / "none.txt"), Error);
  EXPECT_THAT(problem_of_line("\n\n"), HasSubstr("no text"));
}

}  // namespace
}  // namespace cajal
