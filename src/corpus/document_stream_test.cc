#include "corpus/document_stream.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "corpus/reader.h"
#include "testing/files.h"

namespace cajal {
namespace {

using ::testing::HasSubstr;
using testing::TemporaryFolder;
using testing::thrown_by;

std::vector<Document> all_of(DocumentStream& stream) {
  std::vector<Document> out;
  while (auto document = stream.read(out.size())) {
    out.push_back(std::move(*document));
  }
  return out;
}

DocumentStream of_files(const std::vector<std::filesystem::path>& files) {
  return DocumentStream(files);
}

TEST(DocumentStream, GivesWhatReadingWholeFilesGives) {
  const TemporaryFolder folder;
  write_file(folder / "a.jsonl",
             "{\"text\": \"one\"}\n\n \r\n{\"text\": \"two\", \"spans\": "
             "[{\"begin\": 0, \"end\": 3, \"kind\": \"n\", \"value\": \"2\"}]}");
  write_file(folder / "b.txt", "plain\ntext\n");
  write_file(folder / "c.jsonl", "{\"text\": \"four\"}\n");
  DocumentStream stream = of_files({folder / "a.jsonl", folder / "b.txt", folder / "c.jsonl"});
  std::vector<Document> whole;
  for (const char* name : {"a.jsonl", "b.txt", "c.jsonl"}) {
    const auto more = read_documents(folder / name);
    whole.insert(whole.end(), more.begin(), more.end());
  }
  EXPECT_EQ(all_of(stream), whole);
  EXPECT_EQ(stream.bytes_read(), stream.bytes());
  EXPECT_EQ(all_of(stream), whole) << "a second time";
  EXPECT_EQ(stream.read(3), whole[3]) << "out of order";
  EXPECT_EQ(stream.read(1), whole[1]);
  EXPECT_EQ(stream.read(9), std::nullopt);
}

TEST(DocumentStream, CutsLongTextsAtLinesOrElseAtCharacters) {
  const TemporaryFolder folder;
  std::string text;
  while (text.size() < 3 * DocumentStream::kMostPiece) {
    text += "A line of a long text.\n";
  }
  while (text.size() < 6 * DocumentStream::kMostPiece) {
    text += "é€";  // five bytes, none of them the end of a line
  }
  write_file(folder / "long.txt", text);
  DocumentStream stream = of_files({folder / "long.txt"});
  std::string together;
  for (const Document& piece : all_of(stream)) {
    EXPECT_LE(piece.text.size(), DocumentStream::kMostPiece);
    EXPECT_TRUE(together.empty() || together.back() == '\n' ||
                together.size() > 3 * DocumentStream::kMostPiece);
    together += piece.text;
  }
  EXPECT_EQ(together, text);
}

TEST(DocumentStream, OnlyLinesOfJsonSayWhatIsTrue) {
  const TemporaryFolder folder;
  write_file(folder / "a.jsonl", "{\"text\": \"one\"}\n");
  write_file(folder / "b.txt", "two");
  EXPECT_TRUE(of_files({folder / "b.txt", folder / "a.jsonl"}).may_have_spans());
  EXPECT_FALSE(of_files({folder / "b.txt"}).may_have_spans());
  EXPECT_EQ(of_files({folder / "b.txt", folder / "b.txt"}).bytes(), 6U);
}

TEST(DocumentStream, NamesTheFileAndLineOfWhatItCannotRead) {
  const TemporaryFolder folder;
  write_file(folder / "empty.txt", "");
  write_file(folder / "blank.jsonl", "\n  \n");
  write_file(folder / "bad.jsonl", "{\"text\": \"one\"}\n\n{\"txt\": 1}\n");
  write_file(folder / "latin.txt", "caf\xE9");
  const auto message = [&](const char* name) {
    return thrown_by([&] {
             DocumentStream stream = of_files({folder / name});
             all_of(stream);
           })
        .message;
  };
  EXPECT_THAT(message("empty.txt"), HasSubstr("holds no text"));
  EXPECT_THAT(message("blank.jsonl"), HasSubstr("holds no text"));
  EXPECT_THAT(message("bad.jsonl"), HasSubstr("bad.jsonl: line 3"));
  EXPECT_THAT(message("latin.txt"), HasSubstr("not UTF-8"));
  EXPECT_THAT(message("nowhere"), HasSubstr("nowhere"));
}

TEST(DocumentStream, AListInJsonIsRefusedRatherThanReadAsText) {
  const TemporaryFolder folder;
  write_file(folder / "x.json", R"(["one"])");
  const std::vector<std::filesystem::path> files = {folder / "x.json"};
  EXPECT_THROW(DocumentStream{files}, Error);
}

}  // namespace
}  // namespace cajal
