#include "io/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/file.h"
#include "testing/bytes.h"
#include "testing/files.h"
#include "testing/golden.h"

namespace cajal {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::thrown_by;

std::shared_ptr<const Safetensors> parse_file(const std::string& header, const std::string& data) {
  const auto kept = std::make_shared<std::string>(testing::safetensors_file(header, data));
  return Safetensors::parse(testing::as_bytes(*kept), "test.safetensors", kept);
}

TEST(Safetensors, ShowsTensorsInPlace) {
  const auto file = parse_file(
      R"({"b":{"dtype":"F32","shape":[2,1],"data_offsets":[8,16]},"__metadata__":{"format":"pt"},)"
      R"("a":{"dtype":"I64","shape":[],"data_offsets":[0,8]}})"
      "   ",
      std::string("\5\0\0\0\0\0\0\0\0\0\x80\x3f\0\0\0\x40", 16));
  ASSERT_EQ(file->tensors().size(), 2U);
  EXPECT_EQ(file->tensors()[0].name, "a");
  EXPECT_EQ(element(as_matrix(file->at("a")), 0, 0), 5.0);
  const ConstMatRef b = as_matrix(file->at("b"));
  EXPECT_EQ(b.rows, 2U);
  EXPECT_EQ(b.cols, 1U);
  EXPECT_EQ(element(b, 0, 0), 1.0);
  EXPECT_EQ(element(b, 1, 0), 2.0);
  EXPECT_THAT(file->metadata(), ElementsAre(std::pair<std::string, std::string>("format", "pt")));
  EXPECT_EQ(file->find("c"), nullptr);
}

TEST(Safetensors, OpensEveryGoldenModel) {
  std::size_t count = 0;
  for (const fs::path& folder : testing::golden_folders("models")) {
    const auto model = Safetensors::open(folder);
    EXPECT_FALSE(model->tensors().empty());
    for (const StoredTensor& tensor : model->tensors()) {
      const ConstMatRef m = as_matrix(tensor);
      EXPECT_EQ(m.rows * m.cols * size_of(m.dtype), tensor.bytes.size()) << tensor.name;
      EXPECT_EQ(model->find(tensor.name), &tensor);
    }
    const auto expected = Safetensors::open(folder / "expected.safetensors");
    EXPECT_NE(expected->find("B/logits"), nullptr) << folder;
    ++count;
  }
  testing::have_or_skip(count != 0, "golden", "no golden models");
}

TEST(Safetensors, ListsTypesThatCannotBeViewed) {
  const auto file = parse_file(R"({"a":{"dtype":"F8_E4M3","shape":[2],"data_offsets":[0,2]},)"
                               R"("b":{"dtype":"U16","shape":[1],"data_offsets":[2,4]},)"
                               R"("c":{"dtype":"F4","shape":[4],"data_offsets":[4,6]}})",
                               "123456");
  EXPECT_EQ(file->at("a").type, "F8_E4M3");
  EXPECT_EQ(file->at("c").bytes.size(), 2U);
  EXPECT_EQ(thrown_by([&] { as_matrix(file->at("b")); }).code, ErrorCode::Unsupported);
}

TEST(Safetensors, SkipsFieldsItDoesNotKnow) {
  const auto file = parse_file(
      R"({"a":{"more":{"shape":[{"dtype":1}],"x":[[]]},"dtype":"U8","shape":[1],"data_offsets":[0,1]}})",
      "1");
  EXPECT_EQ(file->tensors().size(), 1U);
}

TEST(Safetensors, KeepsAHeaderWithoutTensors) {
  EXPECT_TRUE(parse_file("{}", "")->tensors().empty());
  EXPECT_TRUE(parse_file(R"({"__metadata__":null})", "")->metadata().empty());
}

TEST(Safetensors, MissingTensorIsNotFound) {
  const auto file = parse_file("{}", "");
  const auto thrown = thrown_by([&] { file->at("w"); });
  EXPECT_EQ(thrown.code, ErrorCode::NotFound);
  EXPECT_THAT(thrown.message, AllOf(HasSubstr("test.safetensors"), HasSubstr("'w'")));
}

TEST(Safetensors, BytesStayWhenOnlyATensorsFileIsHeld) {
  const testing::TemporaryFolder folder;
  write_file(
      folder / "model.safetensors",
      testing::safetensors_file(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})", "\7"));
  const auto file = Safetensors::open(folder.path());
  fs::remove(folder / "model.safetensors");
  EXPECT_EQ(element(as_matrix(file->at("a")), 0, 0), 7.0);
}

class ShardedFolder : public ::testing::Test {
 protected:
  void put_shard(const std::string& name, const std::string& tensor) {
    write_file(folder_ / name,
               testing::safetensors_file(
                   "{\"" + tensor + R"(":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})", "x"));
  }
  void put_index(const std::string& text) {
    write_file(folder_ / "model.safetensors.index.json", text);
  }
  testing::Thrown open() {
    return thrown_by([&] { Safetensors::open(folder_.path()); });
  }
  testing::TemporaryFolder folder_;
};

TEST_F(ShardedFolder, ShowsWhatTheIndexSays) {
  put_shard("one.safetensors", "a");
  put_shard("two.safetensors", "b");
  put_index(R"({"weight_map": {"a": "one.safetensors"}})");
  const auto file = Safetensors::open(folder_.path());
  EXPECT_NE(file->find("a"), nullptr);
  EXPECT_EQ(file->find("b"), nullptr);
}

TEST_F(ShardedFolder, NamesATensorThatItsShardLacks) {
  put_shard("one.safetensors", "a");
  put_index(R"({"weight_map": {"a": "one.safetensors", "b": "one.safetensors"}})");
  EXPECT_EQ(open().code, ErrorCode::CorruptData);
  EXPECT_THAT(open().message, AllOf(HasSubstr("'b'"), HasSubstr("one.safetensors")));
}

TEST_F(ShardedFolder, NamesAShardThatIsMissing) {
  put_index(R"({"weight_map": {"a": "one.safetensors"}})");
  EXPECT_EQ(open().code, ErrorCode::NotFound);
  EXPECT_THAT(open().message, HasSubstr("one.safetensors"));
}

TEST_F(ShardedFolder, RefusesShardsOfOtherFolders) {
  for (const char* name : {"../x", "/etc/passwd", "a/b", "a\\\\b", "..", ".", "", "a\\u0000b"}) {
    put_index(fmt::format(R"({{"weight_map": {{"a": "{}"}}}})", name));
    EXPECT_EQ(open().code, ErrorCode::CorruptData) << name;
    EXPECT_THAT(open().message, HasSubstr("same folder")) << name;
  }
}

TEST_F(ShardedFolder, SaysWhatTheFolderLacks) {
  EXPECT_EQ(open().code, ErrorCode::NotFound);
  EXPECT_THAT(open().message, HasSubstr("model.safetensors.index.json"));
}

}  // namespace
}  // namespace cajal
