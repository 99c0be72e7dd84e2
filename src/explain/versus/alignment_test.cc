#include "explain/versus/alignment.h"

#include <gmock/gmock.h>

namespace cajal {
namespace {

using ::testing::ElementsAre;

constexpr std::nullopt_t kNone = std::nullopt;

TEST(Alignment, OfOneLengthGoesPositionByPosition) {
  const std::vector<TokenId> first = {1, 5, 6, 7};
  const std::vector<TokenId> second = {1, 6, 5, 7};
  EXPECT_THAT(aligned(first, second),
              ElementsAre(SharedRole{0, 0}, SharedRole{1, 1}, SharedRole{2, 2}, SharedRole{3, 3}));
}

TEST(Alignment, PairsTheLastPiecesOfTwoNames) {
  const std::vector<TokenId> first = {1, 50, 51, 9};
  const std::vector<TokenId> second = {1, 60, 61, 62, 9};
  EXPECT_THAT(aligned(first, second),
              ElementsAre(SharedRole{0, 0}, SharedRole{kNone, 1}, SharedRole{1, 2},
                          SharedRole{2, 3}, SharedRole{3, 4}));
}

TEST(Alignment, LeavesOutAsFewTokensAsItCan) {
  const std::vector<TokenId> first = {1, 2, 3, 4, 5};
  const std::vector<TokenId> second = {1, 3, 4, 5};
  EXPECT_THAT(aligned(first, second),
              ElementsAre(SharedRole{0, 0}, SharedRole{1, kNone}, SharedRole{2, 1},
                          SharedRole{3, 2}, SharedRole{4, 3}));
}

TEST(Alignment, GivesEveryPositionOneRole) {
  const std::vector<TokenId> first = {1, 7, 7, 8, 2, 7, 9};
  const std::vector<TokenId> second = {7, 8, 3, 3, 2, 9, 9, 9, 4};
  const std::vector<SharedRole> roles = aligned(first, second);
  EXPECT_EQ(roles_of(roles, 0).size(), first.size());
  EXPECT_EQ(roles_of(roles, 1).size(), second.size());
  for (std::size_t prompt = 0; prompt < 2; ++prompt) {
    const std::vector<std::uint32_t> own = roles_of(roles, prompt);
    for (std::uint32_t p = 0; p < own.size(); ++p) {
      EXPECT_EQ(roles[own[p]].in(prompt), p);
    }
  }
}

TEST(Alignment, OfAnEmptyPromptHasNoPairs) {
  const std::vector<TokenId> some = {4, 5};
  EXPECT_THAT(aligned(some, {}), ElementsAre(SharedRole{0, kNone}, SharedRole{1, kNone}));
  EXPECT_TRUE(aligned({}, {}).empty());
}

}  // namespace
}  // namespace cajal
