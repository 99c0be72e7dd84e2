#include "io/npy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "testing/bytes.h"
#include "testing/files.h"

namespace cajal {
namespace {

using testing::as_bytes;
using testing::Bytes;
using ::testing::ElementsAre;
using testing::npy_file;
using testing::TemporaryFolder;

std::vector<double> elements(const StoredTensor& tensor) {
  const ConstMatRef m = as_matrix(tensor);
  std::vector<double> out;
  for (std::size_t i = 0; i < m.rows * m.cols; ++i) {
    out.push_back(element(m, i / m.cols, i % m.cols));
  }
  return out;
}

std::shared_ptr<const Npy> parse(const std::string& bytes) {
  const auto kept = std::make_shared<std::string>(bytes);
  return Npy::parse(as_bytes(*kept), "x.npy", kept);
}

TEST(Npy, ReadsRowsFirst) {
  const auto file =
      parse(npy_file("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n",
                     Bytes().put(0.F).put(1.F).put(2.F).put(3.F).put(4.F).put(5.F).str()));
  EXPECT_THAT(file->tensor().shape, ElementsAre(2, 3));
  EXPECT_THAT(elements(file->tensor()), ElementsAre(0, 1, 2, 3, 4, 5));
}

TEST(Npy, TurnsColumnsFirstAround) {
  const auto file = parse(npy_file("{'descr': '<f8', 'fortran_order': True, 'shape': (2, 3), }\n",
                                   Bytes().put(0.).put(3.).put(1.).put(4.).put(2.).put(5.).str()));
  EXPECT_THAT(elements(file->tensor()), ElementsAre(0, 1, 2, 3, 4, 5));
}

TEST(Npy, ReadsVersionsTwoAndThreeAndPythonTwoShapes) {
  for (const char version : {'\2', '\3'}) {
    const std::string header = "{\"shape\": (2L,), 'fortran_order': True,'descr': '|i1'}";
    const auto file = parse(Bytes()
                                .text("\x93NUMPY")
                                .put(version)
                                .put('\0')
                                .put(static_cast<std::uint32_t>(header.size()))
                                .text(header)
                                .text("\1\xFF")
                                .str());
    EXPECT_THAT(file->tensor().shape, ElementsAre(2));
    EXPECT_THAT(elements(file->tensor()), ElementsAre(1, -1));
  }
}

TEST(Npy, ReadsWhatNumpyWritesForOtherTypes) {
  EXPECT_THAT(elements(parse(npy_file("{'descr': '|b1', 'fortran_order': False, 'shape': (3,), }",
                                      std::string_view("\1\0\7", 3)))
                           ->tensor()),
              ElementsAre(1, 0, 1));
  EXPECT_THAT(elements(parse(npy_file("{'descr': '<i8', 'fortran_order': False, 'shape': (), }",
                                      Bytes().put(std::int64_t{7}).str()))
                           ->tensor()),
              ElementsAre(7));
  EXPECT_THAT(elements(parse(npy_file("{'descr': '<f2', 'fortran_order': False, 'shape': (1,), }",
                                      Bytes().put(std::uint16_t{0x3C00}).str()))
                           ->tensor()),
              ElementsAre(1));
}

// The first line is what numpy 2.4 writes.
TEST(Npy, WritesTheHeaderOfNumpy) {
  const std::vector<std::size_t> shape{2, 3};
  const std::string header = npy_header(DType::F32, shape);
  EXPECT_EQ(header.size(), 128U);
  EXPECT_TRUE(header.starts_with(std::string_view("\x93NUMPY\1\0\x76\0", 10)));
  EXPECT_TRUE(header.substr(10).starts_with(
      "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }  "));
  EXPECT_EQ(header.back(), '\n');
}

TEST(Npy, ReadsWhatItWrites) {
  const TemporaryFolder folder;
  const std::vector<float> x{1, 2, 3, 4, 5, 6};
  const ConstMatRef all{
      reinterpret_cast<const std::byte*>(x.data()), 2, 3, 3, DType::F32, Device::Cpu};
  write_npy(folder / "a", all.col_range(1, 2));
  EXPECT_THAT(elements(Npy::open(folder / "a")->tensor()), ElementsAre(2, 3, 5, 6));
  write_npy(folder / "a", all, std::vector<std::size_t>{6});
  EXPECT_THAT(Npy::open(folder / "a")->tensor().shape, ElementsAre(6));
}

TEST(Npy, HasNoTypeForBf16) {
  const std::vector<BFloat16> x(2);
  EXPECT_EQ(testing::thrown_by([&] {
              write_npy("unused", {reinterpret_cast<const std::byte*>(x.data()), 1, 2, 2,
                                   DType::BF16, Device::Cpu});
            }).code,
            ErrorCode::Unsupported);
}

}  // namespace
}  // namespace cajal
