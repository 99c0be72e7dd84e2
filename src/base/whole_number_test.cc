#include "base/whole_number.h"

#include <gtest/gtest.h>

namespace cajal {
namespace {

TEST(WholeNumber, IsDigitsAlone) {
  EXPECT_EQ(whole_number("0"), 0U);
  EXPECT_EQ(whole_number("007"), 7U);
  EXPECT_EQ(whole_number("18446744073709551615"), 18446744073709551615U);
}

TEST(WholeNumber, IsNoOtherText) {
  for (const char* text :
       {"", "-1", "+1", " 1", "1 ", "1.0", "1e3", "0x10", "one", "18446744073709551616"}) {
    EXPECT_FALSE(whole_number(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace cajal
