#include "corpus/id_prompts.h"

#include <algorithm>
#include <cmath>
#include <set>

#include <gtest/gtest.h>

#include "base/error.h"

namespace cajal {
namespace {

TEST(IdPrompts, TakeOneIdOfEachSlot) {
  const IdPrompts prompts("0-2 7,9 49");
  for (const auto& prompt : prompts.draw(1, 50)) {
    ASSERT_EQ(prompt.size(), 3U);
    EXPECT_LE(prompt[0], 2);
    EXPECT_TRUE(prompt[1] == 7 || prompt[1] == 9);
    EXPECT_EQ(prompt[2], 49);
  }
  EXPECT_EQ(prompts.largest(), 49);
}

TEST(IdPrompts, DrawsEachPromptOnce) {
  const auto drawn = IdPrompts("0-2 7,9 49").draw(1, 500);
  EXPECT_EQ(drawn.size(), 6U);
  EXPECT_EQ(std::set(drawn.begin(), drawn.end()).size(), 6U);
}

TEST(IdPrompts, MoreDrawsBeginAsFewerDo) {
  const IdPrompts prompts("0-99 0-99");
  const auto few = prompts.draw(3, 20);
  const auto many = prompts.draw(3, 40);
  EXPECT_TRUE(std::equal(few.begin(), few.end(), many.begin()));
  EXPECT_NE(prompts.draw(4, 20), few);
}

TEST(IdPrompts, WhatIsNoListIsRefused) {
  for (const char* wrong : {"", "  ", "a", "3-", "-3", "5-2", "1,,2", "1, 2", "99999999999"}) {
    EXPECT_THROW(IdPrompts{wrong}, Error) << wrong;
  }
}

TEST(PlaceInSplit, DependsOnIdsAloneAndIsEven) {
  const auto drawn = IdPrompts("0-99 0-99").draw(1, 4000);
  std::size_t low = 0;
  for (const auto& prompt : drawn) {
    const double place = place_in_split(prompt);
    EXPECT_EQ(place, place_in_split(std::vector<TokenId>(prompt)));
    low += place < 0.25 ? 1U : 0U;
  }
  // Four standard deviations of a fair split.
  const auto n = static_cast<double>(drawn.size());
  EXPECT_NEAR(static_cast<double>(low), 0.25 * n, 4.0 * std::sqrt(0.1875 * n));
}

}  // namespace
}  // namespace cajal
