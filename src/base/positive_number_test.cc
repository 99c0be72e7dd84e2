#include "base/positive_number.h"

#include <gtest/gtest.h>

namespace cajal {
namespace {

TEST(PositiveNumber, ReadsNumbersAboveZero) {
  EXPECT_EQ(positive_number("8"), 8.0);
  EXPECT_EQ(positive_number("20.5"), 20.5);
  EXPECT_EQ(positive_number("1e3"), 1000.0);
}

TEST(PositiveNumber, TakesNoOtherText) {
  for (const char* text : {"", "0", "-1", "+1", " 1", "1 ", "8x", "nan", "inf", "1e999", "0x8"}) {
    EXPECT_EQ(positive_number(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace cajal
