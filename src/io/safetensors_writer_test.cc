#include "io/safetensors_writer.h"

#include <cerrno>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "testing/files.h"

namespace cajal {
namespace {

using ::testing::HasSubstr;
using testing::TemporaryFolder;
using testing::thrown_by;

template <typename T>
ConstMatRef view(const std::vector<T>& x, std::size_t rows) {
  return {reinterpret_cast<const std::byte*>(x.data()),
          rows,
          x.size() / rows,
          x.size() / rows,
          dtype_of<T>(),
          Device::Cpu};
}

// The header is what the Python package safetensors 0.8.0 writes for the same tensors.
TEST(SafetensorsWriter, WritesTheBytesOfTheReference) {
  const TemporaryFolder folder;
  const std::vector<float> a{1, 2, 3};
  const std::vector<float> b{1, 2};
  const std::vector<std::int64_t> i{7};
  const std::vector<double> d{1.5};
  const std::vector<Float16> h{{1}, {2}};
  const std::vector<std::uint8_t> u{1, 2, 255};
  const std::vector<std::int8_t> s{-1};
  const std::vector<std::int32_t> j{5};
  const bool n[] = {true, false};
  const std::vector<NamedMatrix> tensors{
      {"b", view(b, 1)},
      {"a", view(a, 1), std::vector<std::size_t>{3}},
      {"i", view(i, 1), std::vector<std::size_t>{}},
      {"d", view(d, 1), std::vector<std::size_t>{1}},
      {"h", view(h, 1), std::vector<std::size_t>{2}},
      {"u", view(u, 1), std::vector<std::size_t>{3}},
      {"n",
       {reinterpret_cast<const std::byte*>(n), 1, 2, 2, DType::Bool, Device::Cpu},
       std::vector<std::size_t>{2}},
      {"s", view(s, 1), std::vector<std::size_t>{1}},
      {"j", view(j, 1), std::vector<std::size_t>{1}},
      {"\xC3\xA9\n\"", {nullptr, 0, 3, 3, DType::F32, Device::Cpu}}};
  write_safetensors(folder / "x", tensors, {{"format", "pt"}});
  const std::string bytes = read_file(folder / "x");
  EXPECT_EQ(bytes.size(), 650U);
  EXPECT_EQ(bytes.substr(0, 8), std::string("\x50\x02\0\0\0\0\0\0", 8));
  EXPECT_EQ(
      bytes.substr(8, 592),
      R"({"__metadata__":{"format":"pt"},"i":{"dtype":"I64","shape":[],"data_offsets":[0,8]},)"
      R"("d":{"dtype":"F64","shape":[1],"data_offsets":[8,16]},)"
      R"("a":{"dtype":"F32","shape":[3],"data_offsets":[16,28]},)"
      R"("b":{"dtype":"F32","shape":[1,2],"data_offsets":[28,36]},)"
      "\"\xC3\xA9"
      R"(\n\"":{"dtype":"F32","shape":[0,3],"data_offsets":[36,36]},)"
      R"("j":{"dtype":"I32","shape":[1],"data_offsets":[36,40]},)"
      R"("h":{"dtype":"F16","shape":[2],"data_offsets":[40,44]},)"
      R"("s":{"dtype":"I8","shape":[1],"data_offsets":[44,45]},)"
      R"("u":{"dtype":"U8","shape":[3],"data_offsets":[45,48]},)"
      R"("n":{"dtype":"BOOL","shape":[2],"data_offsets":[48,50]}}      )");
  EXPECT_EQ(bytes.substr(600 + 40, 10), std::string("\1\0\2\0\xFF\1\2\xFF\1\0", 10));
}

TEST(SafetensorsWriter, WritesRowsOfAWiderMatrix) {
  const TemporaryFolder folder;
  const std::vector<float> all{1, 2, 3, 4, 5, 6};
  write_safetensors(folder / "x", std::vector<NamedMatrix>{{"m", view(all, 2).col_range(1, 2)}});
  const auto file = Safetensors::open(folder / "x");
  const auto m = as_matrix(file->at("m")).as<const float>();
  EXPECT_THAT(std::vector<float>(m.data, m.data + 4), ::testing::ElementsAre(2, 3, 5, 6));
}

TEST(SafetensorsWriter, TakesATensorInPieces) {
  const TemporaryFolder folder;
  const std::vector<float> all{1, 2, 3, 4, 5, 6};
  SafetensorsWriter writer(folder / "x", {{"m", DType::F32, {3, 2}}, {"none", DType::F64, {0}}});
  EXPECT_EQ(writer.order()[0].name, "none");
  writer.write("m", view(all, 3).row_range(0, 1));
  EXPECT_THAT(thrown_by([&] { writer.commit(); }).message, HasSubstr("lacks 16 bytes"));
  EXPECT_THAT(thrown_by([&] { writer.write("m", view(all, 3)); }).message, HasSubstr("lacks 16"));
  EXPECT_THAT(thrown_by([&] { writer.write("q", view(all, 3)); }).message, HasSubstr("next"));
  writer.write("m", view(all, 3).row_range(1, 2));
  writer.commit();
  EXPECT_EQ(element(as_matrix(Safetensors::open(folder / "x")->at("m")), 2, 1), 6.0);
}

TEST(SafetensorsWriter, WritesAFileWithoutTensors) {
  const TemporaryFolder folder;
  write_safetensors(folder / "x", {});
  EXPECT_TRUE(Safetensors::open(folder / "x")->tensors().empty());
}

TEST(SafetensorsWriter, RefusesNamesThatOccurTwice) {
  const TemporaryFolder folder;
  const std::vector<float> x{1};
  const std::vector<NamedMatrix> twice{{"m", view(x, 1)}, {"m", view(x, 1)}};
  EXPECT_EQ(thrown_by([&] { write_safetensors(folder / "x", twice); }).code,
            ErrorCode::InvalidArgument);
  const std::vector<NamedMatrix> reserved{{"__metadata__", view(x, 1)}};
  EXPECT_EQ(thrown_by([&] { write_safetensors(folder / "x", reserved); }).code,
            ErrorCode::InvalidArgument);
}

TEST(SafetensorsWriter, FullDiskKeepsTheOldFile) {
  const TemporaryFolder folder;
  const std::vector<float> x(1000, 1.0F);
  write_file(folder / "x", "old");
  testing::FailingDisk disk(1000, ENOSPC);
  const FileSystemGuard guard(disk);
  EXPECT_EQ(thrown_by([&] {
              write_safetensors(folder / "x", std::vector<NamedMatrix>{{"m", view(x, 10)}});
            }).code,
            ErrorCode::ResourceExhausted);
  EXPECT_EQ(read_file(folder / "x"), "old");
  EXPECT_EQ(folder.listing(), "x");
}

}  // namespace
}  // namespace cajal
