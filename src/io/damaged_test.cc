// Damaged, absurd and hostile files: each must end in one Error that names the file and the thing.
#include <functional>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/file.h"
#include "io/gguf.h"
#include "io/npy.h"
#include "io/npz.h"
#include "io/safetensors.h"
#include "testing/bytes.h"
#include "testing/files.h"

namespace cajal {
namespace {

using testing::as_bytes;
using testing::Bytes;
using testing::gguf_start;
using ::testing::HasSubstr;
using testing::npy_file;
using testing::safetensors_file;

constexpr auto kCorrupt = ErrorCode::CorruptData;
constexpr auto kUnsupported = ErrorCode::Unsupported;
constexpr std::uint64_t kHuge = std::numeric_limits<std::uint64_t>::max();

struct Damaged {
  std::string what;     // the test's name
  std::string bytes;    // of the file
  ErrorCode code;       //
  std::string message;  // part of it
};

void PrintTo(const Damaged& damaged, std::ostream* out) {
  *out << damaged.what;
}

std::string name_of_case(const ::testing::TestParamInfo<Damaged>& damaged) {
  return damaged.param.what;
}

/// The error of `open` must be as the case says, and name the file.
void expect_refused(const Damaged& damaged,
                    const std::function<void(std::span<const std::byte>)>& open) {
  const auto thrown = testing::thrown_by([&] { open(as_bytes(damaged.bytes)); });
  EXPECT_EQ(thrown.code, damaged.code) << thrown;
  EXPECT_THAT(thrown.message, AllOf(HasSubstr("some.file"), HasSubstr(damaged.message)));
  EXPECT_LT(thrown.message.size(), 500U);
  EXPECT_EQ(thrown.message.find('\n'), std::string::npos);
}

// ---- safetensors

class DamagedSafetensors : public ::testing::TestWithParam<Damaged> {};

TEST_P(DamagedSafetensors, IsRefused) {
  expect_refused(GetParam(), [](auto bytes) { Safetensors::parse(bytes, "some.file"); });
}

/// A file with one tensor "w" of the fields given, then the data.
std::string one_tensor(const std::string& fields, const std::string& data = "12345678") {
  return safetensors_file(R"({"w":{)" + fields + "}}", data);
}

std::string two_tensors(const std::string& offsets_a, const std::string& offsets_b) {
  return safetensors_file(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":)" + offsets_a +
                              R"(},"b":{"dtype":"U8","shape":[4],"data_offsets":)" + offsets_b +
                              "}}",
                          "12345678");
}

std::string with_length(std::uint64_t length) {
  return Bytes().put(length).text("{}").str();
}

INSTANTIATE_TEST_SUITE_P(
    Files, DamagedSafetensors,
    ::testing::Values(
        Damaged{"Empty", "", kCorrupt, "0 bytes"},
        Damaged{"SevenBytes", "1234567", kCorrupt, "7 bytes"},
        Damaged{"HeaderPastTheEnd", with_length(3), kCorrupt, "offset 0 claims 3 bytes"},
        Damaged{"HeaderOverTheLimit", with_length(100'000'001), kCorrupt, "100000001"},
        Damaged{"HeaderOfAllOnes", with_length(kHuge), kCorrupt, "18446744073709551615"},
        Damaged{"HeaderOfLengthZero", with_length(0), kCorrupt, "JSON object"},
        Damaged{"HeaderIsAList", safetensors_file("[]"), kCorrupt, "JSON object"},
        Damaged{"HeaderIsCutOff", safetensors_file(R"({"w":{"dtype)"), kCorrupt, "not valid JSON"},
        Damaged{"HeaderIsNotUtf8", safetensors_file("{\"\xFF\":1}"), kCorrupt, "not valid JSON"},
        Damaged{"HeaderHasMoreAfterIt", safetensors_file("{}{}"), kCorrupt, "not valid JSON"},
        Damaged{"HeaderNestsDeeply", safetensors_file(R"({"w":{"x":)" + std::string(100'000, '[')),
                kCorrupt, "levels deep"},
        Damaged{"ManyLists", safetensors_file("{\"w\":" + std::string(100'000, '[')), kCorrupt,
                "'w'"},
        Damaged{"TensorIsANumber", safetensors_file(R"({"w":1})"), kCorrupt, "'w'"},
        Damaged{"TensorIsAList", safetensors_file(R"({"w":[]})"), kCorrupt, "'w'"},
        Damaged{"TensorLacksItsType", one_tensor(R"("shape":[8],"data_offsets":[0,8])"), kCorrupt,
                "'w': lacks dtype"},
        Damaged{"TensorLacksItsShape", one_tensor(R"("dtype":"U8","data_offsets":[0,8])"), kCorrupt,
                "'w': lacks shape"},
        Damaged{"TensorLacksItsOffsets", one_tensor(R"("dtype":"U8","shape":[8])"), kCorrupt,
                "'w': lacks data_offsets"},
        Damaged{"TypeIsUnknown", one_tensor(R"("dtype":"F7","shape":[8],"data_offsets":[0,8])"),
                kUnsupported, "'F7'"},
        Damaged{"TypeIsANumber", one_tensor(R"("dtype":7,"shape":[8],"data_offsets":[0,8])"),
                kCorrupt, "'w': dtype"},
        Damaged{"TypeIsThereTwice",
                one_tensor(R"("dtype":"U8","dtype":"I8","shape":[8],"data_offsets":[0,8])"),
                kCorrupt, "twice"},
        Damaged{"ShapeIsNegative", one_tensor(R"("dtype":"U8","shape":[-8],"data_offsets":[0,8])"),
                kCorrupt, "-8 is negative"},
        Damaged{"ShapeIsFractional",
                one_tensor(R"("dtype":"U8","shape":[8.5],"data_offsets":[0,8])"), kCorrupt,
                "an integer"},
        Damaged{"ShapeIsBeyond64Bits",
                one_tensor(R"("dtype":"U8","shape":[99999999999999999999],"data_offsets":[0,8])"),
                kCorrupt, "an integer"},
        Damaged{"ShapeIsAText", one_tensor(R"("dtype":"U8","shape":"8","data_offsets":[0,8])"),
                kCorrupt, "'w': shape"},
        Damaged{"ShapeIsNested", one_tensor(R"("dtype":"U8","shape":[[8]],"data_offsets":[0,8])"),
                kCorrupt, "'w': shape"},
        Damaged{
            "ShapeOverflows",
            one_tensor(R"("dtype":"U8","shape":[4294967296,4294967296,2],"data_offsets":[0,8])"),
            kCorrupt, "no size"},
        Damaged{"SizeInBitsOverflows",
                one_tensor(R"("dtype":"F64","shape":[4611686018427387904],"data_offsets":[0,8])"),
                kCorrupt, "no size"},
        Damaged{"ShapeIsNoWholeByte",
                one_tensor(R"("dtype":"F4","shape":[3],"data_offsets":[0,8])"), kCorrupt,
                "no size"},
        Damaged{"ShapeIsTooSmall", one_tensor(R"("dtype":"U8","shape":[7],"data_offsets":[0,8])"),
                kCorrupt, "needs 7 bytes, but the offsets [0, 8]"},
        Damaged{"OffsetsAreReversed",
                one_tensor(R"("dtype":"U8","shape":[8],"data_offsets":[8,0])"), kCorrupt,
                "[8, 0] are reversed"},
        Damaged{"OffsetsAreThree", one_tensor(R"("dtype":"U8","shape":[8],"data_offsets":[0,8,8])"),
                kCorrupt, "must be 2 numbers, but has 3"},
        Damaged{"OffsetsPassTheEnd", one_tensor(R"("dtype":"U8","shape":[9],"data_offsets":[0,9])"),
                kCorrupt, "'w': the offsets [0, 9] end past"},
        Damaged{"OffsetsOverlap", two_tensors("[0,4]", "[3,7]"), kCorrupt,
                "'b' starts at data offset 3, overlapping"},
        Damaged{"OffsetsAreTheSame", two_tensors("[0,4]", "[0,4]"), kCorrupt, "overlapping"},
        Damaged{"OffsetsLeaveAHole", two_tensors("[0,4]", "[5,9]"), kCorrupt, "past"},
        Damaged{"DataStartLate", one_tensor(R"("dtype":"U8","shape":[7],"data_offsets":[1,8])"),
                kCorrupt, "leaving a hole"},
        Damaged{"DataGoOn", one_tensor(R"("dtype":"U8","shape":[7],"data_offsets":[0,7])"),
                kCorrupt, "end at data offset 7"},
        Damaged{"NameIsThereTwice",
                safetensors_file(R"({"w":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},)"
                                 R"("w":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}})"),
                kCorrupt, "two tensors named 'w'"},
        Damaged{"NameIsLongAndUnprintable",
                safetensors_file("{\"" + std::string(1000, 'n') + "\\n\":1}"), kCorrupt, "nnn..."},
        Damaged{"MetadataIsAList", safetensors_file(R"({"__metadata__":[]})"), kCorrupt,
                "__metadata__"},
        Damaged{"MetadataHoldsANumber", safetensors_file(R"({"__metadata__":{"a":1}})"), kCorrupt,
                "'__metadata__': a"},
        Damaged{"MetadataIsThereTwice",
                safetensors_file(R"({"__metadata__":{},"__metadata__":{}})"), kCorrupt, "twice"}),
    name_of_case);

// ---- GGUF

class DamagedGguf : public ::testing::TestWithParam<Damaged> {};

TEST_P(DamagedGguf, IsRefused) {
  expect_refused(GetParam(), [](auto bytes) { Gguf::parse(bytes, "some.file"); });
}

Bytes value_start(std::string_view key, std::uint32_t kind) {
  return gguf_start(0, 1).gguf_string(key).put(kind);
}

std::string array_of(std::uint32_t kind, std::uint64_t count) {
  return value_start("list", 9).put(kind).put(count).text("12345678").str();
}

/// A file with one tensor of one axis, and 64 bytes of data.
std::string one_tensor(std::uint64_t length, std::uint32_t type, std::uint64_t offset) {
  return gguf_start(1, 0)
      .gguf_string("w")
      .put(std::uint32_t{1})
      .put(length)
      .put(type)
      .put(offset)
      .pad_to(32)
      .text(std::string(64, 'x'))
      .str();
}

Bytes with_alignment(std::uint32_t kind, std::uint32_t alignment) {
  return value_start("general.alignment", kind).put(alignment);
}

std::string two_tensors(const std::string& second, std::uint64_t offset) {
  Bytes out = gguf_start(2, 0);
  for (const std::string& name : {std::string("a"), second}) {
    out.gguf_string(name).put(std::uint32_t{1}).put(std::uint64_t{9}).put(std::uint32_t{0});
    out.put(name == "a" ? std::uint64_t{0} : offset);
  }
  return out.pad_to(32).text(std::string(128, 'x')).str();
}

std::string key_twice() {
  Bytes out = gguf_start(0, 2);
  out.gguf_string("k").put(std::uint32_t{0}).put(std::uint8_t{1});
  return out.gguf_string("k").put(std::uint32_t{0}).put(std::uint8_t{1}).str();
}

std::string many_axes() {
  return gguf_start(1, 0).gguf_string("w").put(std::uint32_t{5}).text(std::string(100, '\1')).str();
}

std::string overflowing_axes() {
  Bytes out = gguf_start(1, 0);
  out.gguf_string("w").put(std::uint32_t{2}).put(std::uint64_t{1} << 33U);
  return out.put(std::uint64_t{1} << 33U).put(std::uint32_t{0}).put(std::uint64_t{0}).str();
}

INSTANTIATE_TEST_SUITE_P(
    Files, DamagedGguf,
    ::testing::Values(
        Damaged{"Empty", "", kCorrupt, "magic number at offset 0"},
        Damaged{"OtherMagic", "GGML12345678", kCorrupt, "no GGUF file"},
        Damaged{"CutOffInTheVersion", "GGUF\3", kCorrupt, "version at offset 4"},
        Damaged{"VersionOne", gguf_start(0, 0, 1).str(), kUnsupported, "version 1"},
        Damaged{"VersionFour", gguf_start(0, 0, 4).str(), kUnsupported, "version 4"},
        Damaged{"BigEndian", gguf_start(0, 0, 0x03000000).str(), kUnsupported, "big-endian"},
        Damaged{"CutOffInTheCounts", gguf_start(0, 0).str().substr(0, 20), kCorrupt, "offset 16"},
        Damaged{"HugeNumberOfTensors", gguf_start(kHuge, 0).str(), kCorrupt,
                "number of tensors at offset 8 is 18446744073709551615"},
        Damaged{"HugeNumberOfValues", gguf_start(0, kHuge).str(), kCorrupt,
                "number of metadata entries at offset 16"},
        Damaged{"MoreTensorsThanFit", gguf_start(100, 0).text(std::string(1000, 'x')).str(),
                kCorrupt, "number of tensors at offset 8 is 100"},
        Damaged{"KeyPastTheEnd",
                gguf_start(0, 1).put(std::uint64_t{14}).text("key----------").str(), kCorrupt,
                "needs 14 bytes"},
        Damaged{"KeyOfHugeLength", gguf_start(0, 1).put(kHuge).text("123456789").str(), kCorrupt,
                "needs 18446744073709551615 bytes"},
        Damaged{"KindIsUnknown", value_start("k", 13).text("12345678").str(), kCorrupt,
                "'k': 13 at offset 33"},
        Damaged{"ValueIsCutOff", value_start("k", 10).text("1234567").str(), kCorrupt, "'k'"},
        Damaged{"TextPastTheEnd", value_start("k", 8).put(std::uint64_t{9}).text("12345678").str(),
                kCorrupt, "'k'"},
        Damaged{"ListOfHugeLength", array_of(4, kHuge), kCorrupt, "'list'"},
        Damaged{"ListWhoseSizeOverflows", array_of(10, std::uint64_t{1} << 61U), kCorrupt,
                "'list'"},
        Damaged{"ListOfTextOfHugeLength", array_of(8, 1'000'000'000), kCorrupt, "'list'"},
        Damaged{"ListOfTextIsCutOff", array_of(8, 2), kCorrupt, "'list'"},
        Damaged{"ListOfLists", array_of(9, 1), kUnsupported, "'list'"},
        Damaged{"ListOfUnknownKind", array_of(99, 1), kCorrupt, "'list': 99"},
        Damaged{"KeyIsThereTwice", key_twice(), kCorrupt, "'k' is there twice"},
        Damaged{"AlignmentIsZero", with_alignment(4, 0).str(), kCorrupt, "general.alignment"},
        Damaged{"AlignmentIsThree", with_alignment(4, 3).str(), kCorrupt, "general.alignment"},
        Damaged{"AlignmentIsAFloat", with_alignment(6, 32).str(), kCorrupt, "general.alignment"},
        Damaged{"NameIsThereTwice", two_tensors("a", 0), kCorrupt, "'a'"},
        Damaged{"TensorsOverlap", two_tensors("b", 32), kCorrupt, "'b' at data offset 32 overlaps"},
        Damaged{"FiveAxes", many_axes(), kCorrupt, "'w': 5 axes"},
        Damaged{"ShapeOverflows", overflowing_axes(), kCorrupt, "impossibly large"},
        Damaged{"TypeIsUnknown", one_tensor(8, 4, 0), kUnsupported, "'w': the type 4"},
        Damaged{"TypeIsHuge", one_tensor(8, 0xFFFFFFFFU, 0), kUnsupported, "4294967295"},
        Damaged{"RowIsNoWholeBlock", one_tensor(33, 8, 0), kCorrupt, "rows of 33 elements"},
        Damaged{"OffsetIsNotAligned", one_tensor(1, 0, 4), kCorrupt, "data offset 4"},
        Damaged{"OffsetPassesTheEnd", one_tensor(1, 0, 96), kCorrupt, "data offset 96"},
        Damaged{"OffsetIsHuge", one_tensor(1, 0, kHuge - 31), kCorrupt, "'w'"},
        Damaged{"TensorPassesTheEnd", one_tensor(17, 0, 0), kCorrupt, "68 bytes"},
        Damaged{"TensorIsHuge", one_tensor(std::uint64_t{1} << 40U, 0, 0), kCorrupt, "'w'"}),
    name_of_case);

// ---- npy and npz

class DamagedNpy : public ::testing::TestWithParam<Damaged> {};

TEST_P(DamagedNpy, IsRefused) {
  expect_refused(GetParam(), [](auto bytes) { Npy::parse(bytes, "some.file"); });
}

std::string npy_of(const std::string& type, const std::string& shape,
                   const std::string& order = "False", const std::string& data = "12345678") {
  return npy_file(
      "{'descr': '" + type + "', 'fortran_order': " + order + ", 'shape': " + shape + "}", data);
}

INSTANTIATE_TEST_SUITE_P(
    Files, DamagedNpy,
    ::testing::Values(
        Damaged{"Empty", "", kCorrupt, "no .npy file"},
        Damaged{"OtherMagic", "\x93NUMPX\1\0", kCorrupt, "no .npy file"},
        Damaged{"VersionFour", Bytes().text("\x93NUMPY\4").put('\0').str(), kUnsupported,
                "version 4"},
        Damaged{"CutOffInTheLength", Bytes().text("\x93NUMPY\1").put('\0').text("x").str(),
                kCorrupt, "cut off"},
        Damaged{"HeaderPastTheEnd", npy_of("<f4", "(2,)").substr(0, 20), kCorrupt, "cut off"},
        Damaged{"HeaderIsEmpty", npy_file(""), kCorrupt, "'{'"},
        Damaged{"HeaderLacksItsShape", npy_file("{'descr': '<f4', 'fortran_order': False}"),
                kCorrupt, "exactly the fields"},
        Damaged{"HeaderHasAnotherField", npy_file("{'evil': 1}"), kCorrupt, "none of descr"},
        Damaged{"HeaderIsNotClosed", npy_file("{'descr': '<f4', "), kCorrupt, "quoted"},
        Damaged{"TextIsNotClosed", npy_file("{'descr"), kCorrupt, "quoted"},
        Damaged{"OrderIsANumber", npy_of("<f4", "(2,)", "1"), kCorrupt, "True or False"},
        Damaged{"ShapeIsAList", npy_of("<f4", "[2]"), kCorrupt, "'('"},
        Damaged{"ShapeIsNegative", npy_of("<f4", "(-2,)"), kCorrupt, "not negative"},
        Damaged{"ShapeIsHuge", npy_of("<f4", "(99999999999999999999,)"), kCorrupt, "too large"},
        Damaged{"ShapeOverflows", npy_of("<f4", "(4294967296, 4294967296)"), kCorrupt,
                "does not fit"},
        Damaged{"DataAreTooShort", npy_of("<f4", "(3,)"), kCorrupt, "8 bytes of elements"},
        Damaged{"DataGoOn", npy_of("<f4", "(1,)"), kCorrupt, "8 bytes of elements"},
        Damaged{"DataEndInAnElement", npy_of("<f4", "(2,)", "False", "123456789"), kCorrupt,
                "9 bytes of elements"},
        Damaged{"BigEndian", npy_of(">f4", "(2,)"), kUnsupported, "'>f4'"},
        Damaged{"Pickled", npy_of("|O", "(1,)"), kUnsupported, "'|O'"},
        Damaged{"Records", npy_file("{'descr': [('a', '<f4')], }"), kUnsupported, "records"},
        Damaged{"ThreeAxesColumnsFirst", npy_of("<f4", "(1, 1, 2)", "True"), kUnsupported,
                "3 axes"}),
    name_of_case);

class DamagedNpz : public ::testing::TestWithParam<Damaged> {};

TEST_P(DamagedNpz, IsRefused) {
  expect_refused(GetParam(), [](auto bytes) {
    const auto file = Npz::parse(bytes, "some.file");
    for (const std::string& name : file->names()) {
      file->read(name);
    }
  });
}

/// What the entry "w.npy" of a zip file says; by default of a stored one with the right sum.
struct Entry {
  std::uint16_t flags = 0;
  std::uint16_t method = 0;
  std::uint32_t sum = 0;
  std::uint32_t packed = 0;
  std::uint32_t unpacked = 0;
};

/// A zip file of one entry, or of two of the same name.
std::string zip_of(const Entry& entry, const std::string& data, std::uint16_t count = 1) {
  const auto put_entry = [&](Bytes& out) {
    out.put(entry.flags).put(entry.method).put(std::uint32_t{0x00210000}).put(entry.sum);
    out.put(entry.packed).put(entry.unpacked).put(std::uint16_t{5}).put(std::uint16_t{0});
  };
  Bytes out;
  out.text("PK\3\4").put(std::uint16_t{20});
  put_entry(out);
  out.text("w.npy").text(data);
  const auto directory = static_cast<std::uint32_t>(out.str().size());
  for (std::uint16_t i = 0; i < count; ++i) {
    out.text("PK\1\2").put(std::uint16_t{20}).put(std::uint16_t{20});
    put_entry(out);
    out.text(std::string(14, '\0')).text("w.npy");  // no comment, disk 0, no attributes, offset 0
  }
  const auto size = static_cast<std::uint32_t>(out.str().size()) - directory;
  out.text("PK\5\6").put(std::uint32_t{0}).put(count).put(count).put(size).put(directory);
  return out.put(std::uint16_t{0}).str();
}

INSTANTIATE_TEST_SUITE_P(
    Files, DamagedNpz,
    ::testing::Values(
        Damaged{"Empty", "", kCorrupt, "zip"}, Damaged{"NoZip", "some text", kCorrupt, "zip"},
        Damaged{"CutOff", zip_of({.packed = 4, .unpacked = 4}, "1234").substr(0, 50), kCorrupt,
                "zip"},
        Damaged{"TwoOfOneName", zip_of({.packed = 4, .unpacked = 4}, "1234", 2), kCorrupt,
                "two arrays named 'w'"},
        Damaged{"OtherSum", zip_of({.sum = 1, .packed = 4, .unpacked = 4}, "1234"), kCorrupt,
                "CRC"},
        Damaged{"NoArray", zip_of({.sum = 0x9be3e0a3U, .packed = 4, .unpacked = 4}, "1234"),
                kCorrupt, "array 'w': does not start with"},
        Damaged{"StoredSizesDiffer", zip_of({.packed = 4, .unpacked = 4'000'000}, "1234"), kCorrupt,
                "claims 4000000 bytes"},
        Damaged{"ImpossibleRatio",
                zip_of({.method = 8, .packed = 4, .unpacked = 4'000'000'000}, "1234"), kCorrupt,
                "claims 4000000000 bytes"},
        Damaged{"PackedSizePastTheEnd",
                zip_of({.packed = 4'000'000, .unpacked = 4'000'000}, "1234"), kCorrupt, ""},
        Damaged{"DeflatedNonsense",
                zip_of({.method = 8, .packed = 4, .unpacked = 8}, "\xFF\xFF\xFF\xFF"), kCorrupt,
                "'w': cannot be unpacked"},
        Damaged{"OtherMethod", zip_of({.method = 12, .packed = 4, .unpacked = 4}, "1234"),
                kUnsupported, "method 12"},
        Damaged{"Encrypted", zip_of({.flags = 1, .packed = 14, .unpacked = 2}, "12345678901234"),
                kUnsupported, "encrypted"}),
    name_of_case);

// ---- files that end early: every prefix of a good one

TEST(DamagedFiles, EveryPrefixIsRefused) {
  const std::string safetensors = one_tensor(R"("dtype":"U8","shape":[8],"data_offsets":[0,8])");
  for (std::size_t n = 0; n < safetensors.size(); ++n) {
    const auto bytes = as_bytes(safetensors).first(n);
    EXPECT_TRUE(testing::thrown_by([&] { Safetensors::parse(bytes, "x"); }).code) << n;
  }
  const std::string gguf = one_tensor(16, 0, 0);
  for (std::size_t n = 0; n < gguf.size(); ++n) {
    const auto bytes = as_bytes(gguf).first(n);
    EXPECT_TRUE(testing::thrown_by([&] { Gguf::parse(bytes, "x"); }).code) << n;
  }
  const std::string npy = npy_of("<f4", "(2,)");
  for (std::size_t n = 0; n < npy.size(); ++n) {
    const auto bytes = as_bytes(npy).first(n);
    EXPECT_TRUE(testing::thrown_by([&] { Npy::parse(bytes, "x"); }).code) << n;
  }
}

}  // namespace
}  // namespace cajal
