#include "io/gguf.h"

#include <cstring>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "testing/bytes.h"
#include "testing/files.h"
#include "testing/golden.h"

namespace cajal {
namespace {

namespace fs = std::filesystem;
using testing::as_bytes;
using testing::Bytes;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::thrown_by;

TEST(Gguf, ReadsThePublishedStoriesModel) {
  const fs::path path = testing::shared_folder() / "models" / "stories260K" / "stories260K.gguf";
  if (!testing::have_or_skip(fs::exists(path), "golden", "no stories260K.gguf")) {
    return;
  }
  const auto file = Gguf::open(path);
  EXPECT_EQ(file->version(), 3U);
  EXPECT_EQ(file->string_at("general.architecture"), "llama");
  EXPECT_EQ(file->int_at("llama.block_count"), 5);
  EXPECT_EQ(file->find_strings("tokenizer.ggml.tokens")->size(), 512U);
  const StoredTensor& embeddings = file->at("token_embd.weight");
  EXPECT_THAT(embeddings.shape, ::testing::ElementsAre(512U, 64U));
  EXPECT_EQ(as_matrix(embeddings).rows, 512U);
}

TEST(Gguf, ReadsEveryGoldenVocabulary) {
  std::size_t count = 0;
  for (const fs::path& folder : testing::golden_folders("tokenizers")) {
    if (fs::exists(folder / "vocab.gguf")) {
      const auto file = Gguf::open(folder / "vocab.gguf");
      const auto pieces = file->find_strings("tokenizer.ggml.tokens");
      EXPECT_GE(pieces->size(), 1000U) << folder;
      // gemma's lists are of different lengths: what has no type is an ordinary piece.
      EXPECT_GE(pieces->size(), file->find_ints("tokenizer.ggml.token_type")->size());
      ++count;
    }
  }
  testing::have_or_skip(count != 0, "golden", "no golden vocab.gguf");
}

/// The bits of two floats, so that zeros of both signs differ.
bool same_bits(ConstMatRef a, ConstMatRef b) {
  return a.rows == b.rows && a.cols == b.cols &&
         std::memcmp(a.data, b.data, a.rows * a.cols * sizeof(float)) == 0;
}

TEST(Gguf, DecodesBlocksToTheBitsOfTheReference) {
  const auto file = Gguf::open(testing::golden_core("gguf") / "blocks.gguf");
  for (const char* type : {"Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q4_K", "Q5_K", "Q6_K"}) {
    EXPECT_EQ(file->at(type).type, type);
    EXPECT_EQ(file->at(type).shape, file->at(std::string(type) + ".expected").shape);
    const Matrix decoded = decode(file->at(type));
    EXPECT_TRUE(same_bits(decoded.ref(), as_matrix(file->at(std::string(type) + ".expected"))))
        << type;
  }
}

std::shared_ptr<const Gguf> parse(const Bytes& bytes) {
  const auto kept = std::make_shared<std::string>(bytes.str());
  return Gguf::parse(as_bytes(*kept), "test.gguf", kept);
}

/// One metadata entry: key, kind and value.
template <typename T>
void put_value(Bytes& out, std::string_view key, GgufKind kind, T value) {
  out.gguf_string(key).put(static_cast<std::uint32_t>(kind)).put(value);
}

void put_array(Bytes& out, std::string_view key, GgufKind kind, std::uint64_t count) {
  put_value(out, key, GgufKind::Array, static_cast<std::uint32_t>(kind));
  out.put(count);
}

TEST(Gguf, ReadsEveryKindOfNumber) {
  Bytes bytes = testing::gguf_start(0, 10, 2);
  put_value(bytes, "u8", GgufKind::U8, std::uint8_t{200});
  put_value(bytes, "i8", GgufKind::I8, std::int8_t{-3});
  put_value(bytes, "u16", GgufKind::U16, std::uint16_t{60000});
  put_value(bytes, "i16", GgufKind::I16, std::int16_t{-300});
  put_value(bytes, "u32", GgufKind::U32, std::uint32_t{4000000000});
  put_value(bytes, "i32", GgufKind::I32, std::int32_t{-70000});
  put_value(bytes, "f32", GgufKind::F32, 1.5F);
  put_value(bytes, "u64", GgufKind::U64, std::uint64_t{1} << 40U);
  put_value(bytes, "i64", GgufKind::I64, std::int64_t{-5});
  put_value(bytes, "f64", GgufKind::F64, 0.1);
  const auto file = parse(bytes);
  EXPECT_EQ(file->version(), 2U);
  EXPECT_EQ(file->int_at("u8"), 200);
  EXPECT_EQ(file->int_at("i8"), -3);
  EXPECT_EQ(file->int_at("u16"), 60000);
  EXPECT_EQ(file->int_at("i16"), -300);
  EXPECT_EQ(file->int_at("u32"), 4000000000);
  EXPECT_EQ(file->int_at("i32"), -70000);
  EXPECT_EQ(file->float_at("f32"), 1.5);
  EXPECT_EQ(file->int_at("u64"), std::int64_t{1} << 40U);
  EXPECT_EQ(file->int_at("i64"), -5);
  EXPECT_EQ(file->float_at("f64"), 0.1);
  EXPECT_EQ(file->float_at("i8"), -3.0);
  EXPECT_EQ(file->metadata()[3].key, "i16");
}

TEST(Gguf, ReadsTextAndLists) {
  Bytes bytes = testing::gguf_start(0, 5);
  bytes.gguf_string("name").put(static_cast<std::uint32_t>(GgufKind::String)).gguf_string("a\0b");
  put_value(bytes, "flag", GgufKind::Bool, std::uint8_t{7});
  put_array(bytes, "words", GgufKind::String, 2);
  bytes.gguf_string("").gguf_string("\xFF");
  put_array(bytes, "counts", GgufKind::I32, 3);
  bytes.put(std::int32_t{-1}).put(std::int32_t{0}).put(std::int32_t{1});
  put_array(bytes, "nothing", GgufKind::F32, 0);
  const auto file = parse(bytes);
  EXPECT_EQ(file->string_at("name"), "a\0b");
  EXPECT_EQ(file->find_bool("flag"), true);
  EXPECT_THAT(*file->find_strings("words"), ElementsAre("", "\xFF"));
  EXPECT_THAT(*file->find_ints("counts"), ElementsAre(-1, 0, 1));
  EXPECT_THAT(*file->find_floats("counts"), ElementsAre(-1., 0., 1.));
  EXPECT_TRUE(file->find_floats("nothing")->empty());
  EXPECT_TRUE(file->find_strings("nothing")->empty());
  EXPECT_EQ(file->find_int("missing").value_or(7), 7);
  EXPECT_EQ(file->find_strings("missing"), std::nullopt);
}

TEST(Gguf, NamesTheKeyOfAnotherKind) {
  Bytes bytes = testing::gguf_start(0, 2);
  put_value(bytes, "n", GgufKind::U64, ~std::uint64_t{0});
  put_array(bytes, "list", GgufKind::F32, 1);
  bytes.put(1.F);
  const auto file = parse(bytes);
  const auto expect_refused = [&](const auto& action, const char* key) {
    const auto thrown = thrown_by(action);
    EXPECT_EQ(thrown.code, ErrorCode::CorruptData);
    EXPECT_THAT(thrown.message, AllOf(HasSubstr("test.gguf"), HasSubstr(key)));
  };
  expect_refused([&] { file->int_at("n"); }, "'n'");  // above 2^63
  expect_refused([&] { file->string_at("n"); }, "'n'");
  expect_refused([&] { file->find_bool("n"); }, "'n'");
  expect_refused([&] { file->find_strings("n"); }, "'n'");
  expect_refused([&] { file->float_at("list"); }, "'list'");
  expect_refused([&] { file->find_ints("list"); }, "'list'");
  expect_refused([&] { file->find_strings("list"); }, "'list'");
  expect_refused([&] { file->int_at("missing"); }, "'missing'");
}

/// The entry of an F32 tensor of two axes, as GGUF orders them.
void put_tensor(Bytes& out, std::string_view name, std::uint64_t cols, std::uint64_t rows,
                std::uint64_t offset) {
  out.gguf_string(name).put(std::uint32_t{2}).put(cols).put(rows).put(std::uint32_t{0}).put(offset);
}

TEST(Gguf, ShowsTensorsInPlaceWithRowMajorShapes) {
  Bytes bytes = testing::gguf_start(2, 0);
  put_tensor(bytes, "a", 3, 2, 0);
  put_tensor(bytes, "b", 1, 1, 32);
  bytes.pad_to(32).put(0.F).put(1.F).put(2.F).put(3.F).put(4.F).put(5.F).pad_to(32).put(6.F);
  const auto file = parse(bytes);
  EXPECT_THAT(file->at("a").shape, ElementsAre(2, 3));
  EXPECT_EQ(element(as_matrix(file->at("a")), 1, 0), 3.0);
  EXPECT_EQ(element(decode(file->at("b")).ref(), 0, 0), 6.0);
  EXPECT_EQ(file->find("c"), nullptr);
}

TEST(Gguf, BlocksAreDecodedNotViewed) {
  const auto file = Gguf::open(testing::golden_core("gguf") / "blocks.gguf");
  EXPECT_EQ(thrown_by([&] { as_matrix(file->at("Q4_K")); }).code, ErrorCode::Unsupported);
}

TEST(Gguf, TypesThatCannotBeDecodedAreNamed) {
  Bytes bytes = testing::gguf_start(1, 0);
  bytes.gguf_string("w").put(std::uint32_t{1}).put(std::uint64_t{256}).put(std::uint32_t{10});
  bytes.put(std::uint64_t{0}).pad_to(32).text(std::string(84, 'x'));
  const auto file = parse(bytes);
  const auto thrown = thrown_by([&] { decode(file->at("w")); });
  EXPECT_EQ(thrown.code, ErrorCode::Unsupported);
  EXPECT_THAT(thrown.message, AllOf(HasSubstr("'w'"), HasSubstr("Q2_K")));
}

TEST(Gguf, HonoursTheAlignment) {
  Bytes bytes = testing::gguf_start(1, 1);
  put_value(bytes, "general.alignment", GgufKind::U32, std::uint32_t{1});
  put_tensor(bytes, "a", 1, 1, 3);
  bytes.text("xyz").put(2.5F);
  EXPECT_EQ(element(as_matrix(parse(bytes)->at("a")), 0, 0), 2.5);
}

/// Part `no` of two, with one tensor of one element.
std::string part_of_two(std::uint16_t no, const std::string& tensor, std::int32_t total = 2) {
  Bytes bytes = testing::gguf_start(1, 3);
  put_value(bytes, "split.no", GgufKind::U16, no);
  put_value(bytes, "split.count", GgufKind::U16, std::uint16_t{2});
  put_value(bytes, "split.tensors.count", GgufKind::I32, total);
  put_tensor(bytes, tensor, 1, 1, 0);
  return bytes.pad_to(32).put(static_cast<float>(no)).str();
}

TEST(Gguf, ReadsSplitFilesFromTheFirstPart) {
  const testing::TemporaryFolder folder;
  write_file(folder / "m-00001-of-00002.gguf", part_of_two(0, "a"));
  write_file(folder / "m-00002-of-00002.gguf", part_of_two(1, "b"));
  const auto file = Gguf::open(folder / "m-00001-of-00002.gguf");
  EXPECT_EQ(file->tensors().size(), 2U);
  EXPECT_EQ(element(as_matrix(file->at("b")), 0, 0), 1.0);
  EXPECT_EQ(thrown_by([&] { Gguf::open(folder / "m-00002-of-00002.gguf"); }).code,
            ErrorCode::InvalidArgument);
}

TEST(Gguf, RefusesPartsThatDoNotFit) {
  const testing::TemporaryFolder folder;
  const auto first = folder / "m-00001-of-00002.gguf";
  const auto expect_refused = [&](ErrorCode code, const char* what) {
    const auto thrown = thrown_by([&] { Gguf::open(first); });
    EXPECT_EQ(thrown.code, code);
    EXPECT_THAT(thrown.message, HasSubstr(what));
  };
  write_file(first, part_of_two(0, "a"));
  expect_refused(ErrorCode::NotFound, "m-00002-of-00002.gguf");
  write_file(folder / "m-00002-of-00002.gguf", part_of_two(0, "b"));
  expect_refused(ErrorCode::CorruptData, "split.no");
  write_file(folder / "m-00002-of-00002.gguf", part_of_two(1, "a"));
  expect_refused(ErrorCode::CorruptData, "two tensors named 'a'");
  write_file(folder / "m-00002-of-00002.gguf", part_of_two(1, "b"));
  write_file(first, part_of_two(0, "a", 5));
  expect_refused(ErrorCode::CorruptData, "split.tensors.count");
}

}  // namespace
}  // namespace cajal
