#include "ops/sample_test.h"

#include <cmath>
#include <cstring>

#include <gtest/gtest.h>

namespace cajal {
namespace {

void put(MatRef m, std::size_t r, std::size_t c, double value) {
  switch (m.dtype) {
    case DType::F64:
      m.as<double>().at(r, c) = value;
      return;
    case DType::F32:
      m.as<float>().at(r, c) = static_cast<float>(value);
      return;
    case DType::BF16:
      m.as<BFloat16>().at(r, c) = to_bf16(static_cast<float>(value));
      return;
    case DType::F16:
      m.as<Float16>().at(r, c) = to_f16(value);
      return;
    default:
      FAIL() << "no samples of " << name_of(m.dtype);
  }
}

TEST(Sample, F16RoundsToNearestEven) {
  EXPECT_EQ(to_f16(1.0).bits, 0x3C00);
  EXPECT_EQ(to_f16(-2.0).bits, 0xC000);
  EXPECT_EQ(to_f16(1.0 + 0x1p-11).bits, 0x3C00);
  EXPECT_EQ(to_f16(1.0 + 0x1.8p-10).bits, 0x3C02);
  EXPECT_EQ(to_f16(0x1p-24).bits, 0x0001);
  EXPECT_EQ(to_f16(0.0).bits, 0x0000);
  EXPECT_EQ(to_f16(65504.0).bits, 0x7BFF);
}

}  // namespace

void Sample::store(const Matrix& doubles) {
  for (std::size_t r = 0; r < doubles.rows(); ++r) {
    for (std::size_t c = 0; c < doubles.cols(); ++c) {
      put(storage_.ref(), r, c, element(doubles.ref(), r, c));
    }
  }
}

Float16 to_f16(double x) {
  const auto sign = static_cast<std::uint16_t>(std::signbit(x) ? 0x8000U : 0U);
  if (std::isnan(x)) {
    return {0x7E00};
  }
  const double magnitude = std::abs(x);
  const int exponent = magnitude < 0x1p-14 ? -14 : std::ilogb(magnitude);
  const double steps = std::nearbyint(std::ldexp(magnitude, 10 - exponent));  // in units of an ulp
  const auto bits =
      static_cast<std::uint32_t>(steps) + static_cast<std::uint32_t>(exponent + 14) * 1024U;
  return {static_cast<std::uint16_t>(sign | std::min(bits, 0x7C00U))};
}

void fill(MatRef m, const std::vector<double>& values) {
  ASSERT_EQ(values.size(), m.rows * m.cols);
  for (std::size_t r = 0; r < m.rows; ++r) {
    for (std::size_t c = 0; c < m.cols; ++c) {
      put(m, r, c, values[r * m.cols + c]);
    }
  }
}

Sample sample(std::size_t rows, std::size_t cols, DType dtype, const std::vector<double>& values) {
  Sample result(rows, cols, dtype);
  fill(result.ref(), values);
  return result;
}

Sample normal_sample(std::size_t rows, std::size_t cols, DType dtype, std::uint64_t stream,
                     double deviation) {
  std::vector<double> values(rows * cols);
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = deviation * random_normal(1, stream, i);
  }
  return sample(rows, cols, dtype, values);
}

Sample copy_as(ConstMatRef m, DType dtype) {
  return sample(m.rows, m.cols, dtype, elements(m));
}

std::vector<std::byte> bytes_of(ConstMatRef m) {
  const std::size_t width = m.cols * size_of(m.dtype);
  std::vector<std::byte> bytes(m.rows * width);
  for (std::size_t r = 0; r < m.rows; ++r) {
    std::memcpy(bytes.data() + r * width, m.data + r * m.stride * size_of(m.dtype), width);
  }
  return bytes;
}

std::vector<std::vector<std::int32_t>> hide_some_keys(std::vector<AttentionSegment>& segments) {
  std::vector<std::vector<std::int32_t>> hidden;
  for (AttentionSegment& segment : segments) {
    auto& until = hidden.emplace_back(segment.queries, 1000000);
    for (std::size_t key = 0; key < segment.queries; key += 2) {
      until[key] = static_cast<std::int32_t>(key + 1 + key * 7 % 5);
    }
    segment.seen_until = until;  // the heap that it lies in stays where it is
  }
  return hidden;
}

}  // namespace cajal
