#include "base/split.h"

#include <gmock/gmock.h>

namespace cajal {
namespace {

using ::testing::ElementsAre;

TEST(Split, GivesWhatStandsBetweenSeparators) {
  EXPECT_THAT(split("1,22,3", ','), ElementsAre("1", "22", "3"));
  EXPECT_THAT(split("one", ','), ElementsAre("one"));
}

TEST(Split, KeepsEmptyParts) {
  EXPECT_THAT(split("", ','), ElementsAre(""));
  EXPECT_THAT(split(",a,,b,", ','), ElementsAre("", "a", "", "b", ""));
}

TEST(Trimmed, TakesBlanksFromBothEndsOnly) {
  EXPECT_EQ(trimmed(" \t a b\r\n"), "a b");
  EXPECT_EQ(trimmed("a"), "a");
  EXPECT_EQ(trimmed("\na ", " "), "\na");
}

TEST(Trimmed, LeavesNothingOfBlanks) {
  EXPECT_EQ(trimmed(""), "");
  EXPECT_EQ(trimmed(" \n "), "");
}

}  // namespace
}  // namespace cajal
