#include "io/torch_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "io/pickle.h"
#include "io/safetensors.h"
#include "testing/bytes.h"
#include "testing/compare.h"
#include "testing/files.h"
#include "testing/golden.h"
#include "testing/sha256.h"

namespace cajal {
namespace {

using testing::as_bytes;
using ::testing::HasSubstr;
using testing::thrown_by;

/// The folders of the golden set that hold a torch file, by what their manifest says.
std::vector<std::filesystem::path> with_manifest() {
  std::vector<std::filesystem::path> out;
  for (const auto& folder : testing::golden_folders("dictionaries/formats")) {
    if (exists(folder / "pt_manifest.json")) {
      out.push_back(folder);
    }
  }
  return out;
}

std::filesystem::path traps() {
  for (const auto& folder : with_manifest()) {
    if (folder.filename() == "pt_traps") {
      return folder;
    }
  }
  return {};
}

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::filesystem::path corpus(std::string_view name) {
  return std::filesystem::path(CAJAL_SOURCE_DIR) / "src/io/torch_file_fuzz" / name;
}

std::string why_refused(std::string_view name) {
  return thrown_by([&] { TorchFile::open(corpus(name)); }).message;
}

TEST(TorchFile, ReadsEveryTensorOfTheGoldenFilesWithItsStrides) {
  ASSERT_FALSE(with_manifest().empty());
  for (const auto& folder : with_manifest()) {
    const Json manifest = Json::load(folder / "pt_manifest.json");
    const auto file = TorchFile::open(folder / manifest.at("file", "").as_string(""));
    for (const auto& [name, entry] : manifest.at("entries", "").as_object("")) {
      if (entry.find("dtype") == nullptr) {
        continue;
      }
      const StoredTensor* tensor = file->find(name);
      ASSERT_NE(tensor, nullptr) << folder << " " << name;
      EXPECT_EQ(testing::sha256(text_of(tensor->bytes)),
                entry.at("sha256_of_contiguous_values", "").as_string(""))
          << folder << " " << name;
      EXPECT_EQ(Json::array_of(tensor->shape), entry.at("shape", "")) << folder << " " << name;
    }
  }
}

TEST(TorchFile, WidensEveryTypeToTheSameNumbers) {
  const auto file = TorchFile::open(traps() / "traps.pt");
  const auto expected = Safetensors::open(traps() / "expected.safetensors");
  for (const StoredTensor& want : expected->tensors()) {
    const StoredTensor* got = file->find(want.name);
    ASSERT_NE(got, nullptr) << want.name;
    EXPECT_EQ(got->shape, want.shape) << want.name;
    EXPECT_EQ(testing::largest_error(as_matrix(*got), as_matrix(want)), 0) << want.name;
  }
}

TEST(TorchFile, KeepsValuesThatAreNoTensors) {
  const auto file = TorchFile::open(traps() / "traps.pt");
  const Json& values = file->values();
  const Json& nested = values.at("nested", "");
  EXPECT_EQ(nested.at("negative", ""), Json(-5));
  EXPECT_EQ(nested.at("big", ""), Json(std::int64_t{1} << 40));
  EXPECT_EQ(nested.at("lr", ""), Json(1e-4));
  EXPECT_EQ(nested.at("flag", ""), Json(true));
  EXPECT_EQ(nested.at("postact_fn", ""), Json("ReLU"));
  EXPECT_EQ(nested.at("four", ""), Json(Json::Array{1, 2, 3, 4}));
  EXPECT_TRUE(nested.at("none", "").is_null());
  EXPECT_EQ(nested.find("tensor"), nullptr);
  EXPECT_EQ(values.at("many", "").at("k299", ""), Json(299));
}

TEST(TorchFile, RefusesToCallAnything) {
  const auto refused = thrown_by([] { TorchFile::open(traps() / "must_refuse.pt"); });
  EXPECT_EQ(refused.code, ErrorCode::Unsupported);
  EXPECT_THAT(refused.message, HasSubstr("__builtin__.print"));
  EXPECT_THAT(refused.message, HasSubstr("offset 173"));
}

TEST(TorchFile, RefusesFilesFromBeforeTheZipFormat) {
  EXPECT_THAT(why_refused("old_magic.pt"), HasSubstr("torch before 1.6"));
}

TEST(TorchFile, RefusesATensorOutsideItsStorage) {
  EXPECT_THAT(why_refused("outside.pt"), HasSubstr("needs more than the 4 elements"));
}

TEST(TorchFile, RefusesAStorageOfAnotherSize) {
  EXPECT_THAT(why_refused("short_storage.pt"), HasSubstr("has 16 bytes, which are not 8 elements"));
}

TEST(TorchFile, RefusesAMissingStorage) {
  EXPECT_THAT(why_refused("no_storage.pt"), HasSubstr("data/1 is missing"));
}

TEST(TorchFile, RefusesBigEndianNumbers) {
  EXPECT_THAT(why_refused("big_endian.pt"), HasSubstr("'big' endian"));
}

TEST(TorchFile, RefusesAListWithinItself) {
  EXPECT_THAT(why_refused("cycle.pt"), HasSubstr("nested more than"));
}

TEST(TorchFile, RefusesToSpreadFewElementsOverMuchMemory) {
  EXPECT_THAT(why_refused("wide.pt"), HasSubstr("claims the shape [2147483647, 2147483647]"));
}

TEST(TorchFile, RefusesToCopyOneTensorOverAndOver) {
  const auto refused = thrown_by([] { TorchFile::open(corpus("repeated.pt")); });
  EXPECT_EQ(refused.code, ErrorCode::ResourceExhausted);
  EXPECT_THAT(refused.message, HasSubstr("takes far more memory than its"));
}

TEST(TorchFile, RefusesToUnpackTheSameBytesOverAndOver) {
  const auto refused = thrown_by([] { TorchFile::open(corpus("overlapping.pt")); });
  EXPECT_EQ(refused.code, ErrorCode::ResourceExhausted);
  EXPECT_THAT(refused.message, HasSubstr("takes far more memory than its"));
}

TEST(TorchFile, RefusesWhatIsNoZipFile) {
  EXPECT_THAT(thrown_by([] { TorchFile::parse(as_bytes("hello"), "x.pt"); }).message,
              HasSubstr("x.pt: cannot be read as a torch .pt (zip) file"));
}

TEST(Pickle, RefusesOpcodesThatTensorsDoNotNeed) {
  const auto refused = thrown_by([] {
    const std::string bytes = read_file(corpus("protocol_4.pkl"));
    read_pickle(as_bytes(bytes), "data.pkl");
  });
  EXPECT_EQ(refused.code, ErrorCode::Unsupported);
  EXPECT_THAT(refused.message, HasSubstr("offset 2: the pickle has the opcode 0x95"));
}

/// A tensor of `axes` axes of one element, which the pickle names once.
std::string tensor_of_axes(std::size_t axes) {
  std::string ones;
  for (std::size_t i = 1; i < axes; ++i) {
    ones += "h\x01";
  }
  using namespace std::string_literals;
  return "\x80\x02"s
         "ctorch._utils\n_rebuild_tensor_v2\n"
         "((X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\0"s
         "0X\x03\0\0\0cpuK\x01tQK\0(K\x01q\x01"s +
         ones + "t(h\x01" + ones + "t\x89)tR.";
}

TEST(Pickle, ReadsTensorsOfAFewAxesAndRefusesThoseOfMany) {
  const std::string few = tensor_of_axes(16);
  EXPECT_EQ(read_pickle(as_bytes(few), "few").nodes.back().sizes.size(), 32U);
  const std::string many = tensor_of_axes(100'000);
  const auto refused = thrown_by([&] { read_pickle(as_bytes(many), "many"); });
  EXPECT_EQ(refused.code, ErrorCode::Unsupported);
  EXPECT_THAT(refused.message, HasSubstr("a tensor of 100000 axes"));
}

TEST(Pickle, RefusesStoragesWithLongNames) {
  using namespace std::string_literals;
  const std::string named = "\x80\x02(X\x07\0\0\0storagectorch\nFloatStorage\nX\0\x01\0\0"s +
                            std::string(256, 'k') + "X\x03\0\0\0cpuK\x01tQ."s;
  EXPECT_EQ(thrown_by([&] { read_pickle(as_bytes(named), "x"); }).code, ErrorCode::CorruptData);
}

TEST(Pickle, RefusesEveryTruncation) {
  const std::string whole = read_file(corpus("state_dict.pkl"));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto refused =
        thrown_by([&] { read_pickle(as_bytes(std::string_view(whole).substr(0, size)), "cut"); });
    ASSERT_EQ(refused.code, ErrorCode::CorruptData) << size;
  }
}

TEST(Pickle, SurvivesEveryChangedByte) {
  const std::string whole = read_file(corpus("state_dict.pkl"));
  for (std::size_t i = 0; i < whole.size(); ++i) {
    for (const char change : {'\x01', '\x80', '\xFF'}) {
      std::string changed = whole;
      changed[i] = static_cast<char>(changed[i] ^ change);
      thrown_by([&] { read_pickle(as_bytes(changed), "changed"); });
    }
  }
}

}  // namespace
}  // namespace cajal
