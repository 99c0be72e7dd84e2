#include "io/safetensors.h"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "testing/golden.h"

namespace cajal {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// A file in memory: the header's length, the header, the data.
std::shared_ptr<const Safetensors> parse_file(const std::string& header, const std::string& data) {
  auto bytes = std::make_shared<std::string>(8, '\0');
  for (std::size_t i = 0; i < 8; ++i) {
    (*bytes)[i] = static_cast<char>((header.size() >> (8 * i)) & 0xFFU);
  }
  *bytes += header + data;
  return Safetensors::parse(std::as_bytes(std::span(*bytes)), "test.safetensors", bytes);
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

}  // namespace
}  // namespace cajal
