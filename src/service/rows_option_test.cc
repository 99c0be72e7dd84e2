#include "service/rows_option.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace cajal {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

TEST(RowsOption, TakesANumber) {
  EXPECT_EQ(options_of_rows("12").max_features, 12U);
  EXPECT_FALSE(options_of_rows("12").unexpanded.has_value());
}

TEST(RowsOption, TakesAll) {
  EXPECT_EQ(options_of_rows("all").max_features, SIZE_MAX);
  EXPECT_FALSE(options_of_rows("all").unexpanded.has_value());
}

TEST(RowsOption, OfAutoLeavesTwoPercent) {
  EXPECT_EQ(options_of_rows("auto").max_features, SIZE_MAX);
  EXPECT_EQ(options_of_rows("auto").unexpanded, 0.02);
  EXPECT_EQ(options_of_rows("auto").update_interval, 1U);
}

TEST(RowsOption, RefusesOtherTexts) {
  for (const char* text : {"", "-1", "some", "2.5", "Auto"}) {
    EXPECT_THAT([&] { options_of_rows(text); },
                ThrowsMessage<Error>(HasSubstr("give a number, all, or auto")))
        << text;
  }
}

}  // namespace
}  // namespace cajal
