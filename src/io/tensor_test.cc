#include "io/tensor.h"

#include <cstring>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "testing/files.h"

namespace cajal {
namespace {

using ::testing::HasSubstr;
using testing::thrown_by;

StoredTensor tensor_of(DType dtype, std::vector<std::size_t> shape,
                       std::span<const std::byte> bytes) {
  return {"t", name_of(dtype), dtype, std::move(shape), bytes, "file"};
}

TEST(Tensor, BecomesAMatrixOfItsLastAxis) {
  const std::vector<float> x(24);
  const auto bytes = std::as_bytes(std::span(x));
  const auto expect_shape = [&](std::vector<std::size_t> shape, std::size_t rows,
                                std::size_t cols) {
    const ConstMatRef m = as_matrix(tensor_of(DType::F32, std::move(shape), bytes));
    EXPECT_EQ(m.rows, rows);
    EXPECT_EQ(m.cols, cols);
    EXPECT_EQ(m.data, bytes.data());
  };
  expect_shape({24}, 1, 24);
  expect_shape({4, 6}, 4, 6);
  expect_shape({2, 3, 4}, 6, 4);
  const ConstMatRef scalar = as_matrix(tensor_of(DType::F32, {}, bytes.first(4)));
  EXPECT_EQ(scalar.rows * scalar.cols, 1U);
}

TEST(Tensor, EmptyOnesKeepTheirAxesAndAreNotAbsent) {
  const ConstMatRef no_rows = as_matrix(tensor_of(DType::F32, {0, 3}, {}));
  EXPECT_TRUE(static_cast<bool>(no_rows));
  EXPECT_EQ(no_rows.rows, 0U);
  EXPECT_EQ(no_rows.cols, 3U);
  const ConstMatRef no_cols = as_matrix(tensor_of(DType::F32, {2, 2, 0}, {}));
  EXPECT_EQ(no_cols.rows, 4U);
  EXPECT_EQ(no_cols.cols, 0U);
  EXPECT_EQ(thrown_by([] { as_matrix(tensor_of(DType::F32, {1'000'001, 0}, {})); }).code,
            ErrorCode::CorruptData);
}

TEST(Tensor, TypesWithoutDTypeCannotBeViewed) {
  StoredTensor tensor{"w", "F8_E4M3", std::nullopt, {1}, {}, "model.safetensors"};
  const auto thrown = thrown_by([&] { as_matrix(tensor); });
  EXPECT_EQ(thrown.code, ErrorCode::Unsupported);
  EXPECT_THAT(thrown.message,
              AllOf(HasSubstr("model.safetensors"), HasSubstr("'w'"), HasSubstr("F8_E4M3")));
}

TEST(Tensor, UnalignedBytesAreCopied) {
  alignas(8) std::byte memory[24] = {};
  const double x = 2.5;
  std::memcpy(memory + 1, &x, sizeof x);
  StoredTensor tensor = tensor_of(DType::F64, {1}, std::span(memory).subspan(1, 8));
  std::vector<Buffer> owned;
  make_viewable(tensor, owned);
  EXPECT_EQ(owned.size(), 1U);
  EXPECT_EQ(element(as_matrix(tensor), 0, 0), 2.5);
}

TEST(Tensor, OddBoolsCountAsTrue) {
  const std::byte memory[] = {std::byte{0}, std::byte{1}, std::byte{2}, std::byte{255}};
  StoredTensor tensor = tensor_of(DType::Bool, {4}, memory);
  std::vector<Buffer> owned;
  make_viewable(tensor, owned);
  const auto m = as_matrix(tensor).as<const bool>();
  EXPECT_FALSE(m.at(0, 0));
  EXPECT_TRUE(m.at(0, 1) && m.at(0, 2) && m.at(0, 3));
}

TEST(Tensor, ProductsOfAxesThatOverflowAreNone) {
  const std::size_t big = std::size_t{1} << 33U;
  EXPECT_EQ(count_elements(std::vector<std::size_t>{big, big}), std::nullopt);
  EXPECT_EQ(count_elements(std::vector<std::size_t>{big, big, 0}), 0U);
  EXPECT_EQ(count_elements({}), 1U);
}

TEST(Tensor, NamesInMessagesAreShortAndPrintable) {
  EXPECT_EQ(printable("a\nb\xFF"), "a?b\xEF\xBF\xBD");
  EXPECT_EQ(printable(std::string(101, 'a')).size(), 103U);
}

}  // namespace
}  // namespace cajal
