#include "io/npz.h"

#include <cerrno>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "io/safetensors.h"
#include "testing/bytes.h"
#include "testing/files.h"
#include "testing/golden.h"

namespace cajal {
namespace {

using testing::as_bytes;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::TemporaryFolder;
using testing::thrown_by;

Matrix counting(std::size_t rows, std::size_t cols) {
  Matrix m = Matrix::host(rows, cols, DType::F32);
  for (std::size_t i = 0; i < rows * cols; ++i) {
    m.as<float>().data[i] = static_cast<float>(i);
  }
  return m;
}

class NpzPacking : public ::testing::TestWithParam<Packing> {};

TEST_P(NpzPacking, ReadsWhatItWrites) {
  const TemporaryFolder folder;
  const Matrix m = counting(17, 33);
  const std::vector<NamedMatrix> arrays{
      {"W", m.ref()},
      {"part", m.ref().col_range(3, 2), std::vector<std::size_t>{17, 1, 2}},
      {"none", m.ref().row_range(0, 0)}};
  write_npz(folder / "x.npz", arrays, GetParam());
  const auto file = Npz::open(folder / "x.npz");
  EXPECT_THAT(file->names(), ElementsAre("W", "part", "none"));
  EXPECT_TRUE(file->contains("W"));
  EXPECT_FALSE(file->contains("W.npy"));
  const auto w = file->read("W");
  EXPECT_EQ(w->tensor().name, "W");
  EXPECT_EQ(element(as_matrix(w->tensor()), 16, 32), 17 * 33 - 1);
  const auto part = file->read("part");
  EXPECT_THAT(part->tensor().shape, ElementsAre(17, 1, 2));
  EXPECT_EQ(element(as_matrix(part->tensor()), 1, 1), 33 + 4);
  EXPECT_THAT(file->read("none")->tensor().shape, ElementsAre(0, 33));
}

INSTANTIATE_TEST_SUITE_P(Both, NpzPacking, ::testing::Values(Packing::Store, Packing::Deflate),
                         [](const auto& packing) {
                           return packing.param == Packing::Store ? "Stored" : "Deflated";
                         });

TEST(Npz, WritesTheSameBytesEachTime) {
  const TemporaryFolder folder;
  const Matrix m = counting(3, 3);
  write_npz(folder / "a", std::vector<NamedMatrix>{{"m", m.ref()}}, Packing::Deflate);
  write_npz(folder / "b", std::vector<NamedMatrix>{{"m", m.ref()}}, Packing::Deflate);
  EXPECT_EQ(read_file(folder / "a"), read_file(folder / "b"));
}

TEST(Npz, MissingArrayIsNotFound) {
  const TemporaryFolder folder;
  const Matrix m = counting(1, 1);
  write_npz(folder / "a", std::vector<NamedMatrix>{{"m", m.ref()}});
  const auto file = Npz::open(folder / "a");
  EXPECT_EQ(thrown_by([&] { file->read("n"); }).code, ErrorCode::NotFound);
}

TEST(Npz, RefusesNamesThatOccurTwice) {
  const TemporaryFolder folder;
  const Matrix m = counting(1, 1);
  const std::vector<NamedMatrix> twice{{"m", m.ref()}, {"m", m.ref()}};
  EXPECT_EQ(thrown_by([&] { write_npz(folder / "a", twice); }).code, ErrorCode::InvalidArgument);
  EXPECT_EQ(folder.listing(), "");
}

TEST(Npz, FullDiskKeepsTheOldFile) {
  const TemporaryFolder folder;
  const Matrix m = counting(30, 30);
  write_file(folder / "a", "old");
  testing::FailingDisk disk(100, ENOSPC);
  const FileSystemGuard guard(disk);
  EXPECT_EQ(
      thrown_by([&] { write_npz(folder / "a", std::vector<NamedMatrix>{{"m", m.ref()}}); }).code,
      ErrorCode::ResourceExhausted);
  EXPECT_EQ(read_file(folder / "a"), "old");
  EXPECT_EQ(folder.listing(), "a");
}

TEST(Npz, RefusesWhatUnpacksToFarMore) {
  const TemporaryFolder folder;
  Matrix zeros = Matrix::host(1, std::size_t{17} << 20U, DType::F32);  // 68 MiB
  std::fill_n(zeros.as<float>().data, zeros.cols(), 0.0F);
  write_npz(folder / "a", std::vector<NamedMatrix>{{"m", zeros.ref()}}, Packing::Deflate);
  const auto thrown = thrown_by([&] { Npz::open(folder / "a")->read("m"); });
  EXPECT_EQ(thrown.code, ErrorCode::ResourceExhausted);
  EXPECT_THAT(thrown.message, AllOf(HasSubstr("'m'"), HasSubstr("bomb")));
}

TEST(Npz, FindsAChangedByte) {
  const TemporaryFolder folder;
  const Matrix m = counting(5, 5);
  write_npz(folder / "a", std::vector<NamedMatrix>{{"m", m.ref()}});
  std::string bytes = read_file(folder / "a");
  bytes[200] = static_cast<char>(bytes[200] ^ 1);
  const auto file = Npz::parse(as_bytes(bytes), "changed.npz");
  const auto thrown = thrown_by([&] { file->read("m"); });
  EXPECT_EQ(thrown.code, ErrorCode::CorruptData);
  EXPECT_THAT(thrown.message, AllOf(HasSubstr("changed.npz"), HasSubstr("'m'"), HasSubstr("CRC")));
}

TEST(Npz, ReadsGoldenDictionaries) {
  const auto path = testing::golden_core("dictionaries") /
                    "formats/conv_gemma_scope_1_sae/layer_3/width_16k/average_l0_42/params.npz";
  const auto file = Npz::open(path);
  for (const std::string& name : file->names()) {
    const auto array = file->read(name);
    EXPECT_TRUE(is_float(*array->tensor().dtype)) << name;
  }
  EXPECT_TRUE(file->contains("W_enc"));
}

}  // namespace
}  // namespace cajal
