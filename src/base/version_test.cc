#include "base/version.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cajal {
namespace {

TEST(Version, IsThreeNumbers) {
  EXPECT_THAT(std::string(version()), ::testing::MatchesRegex("[0-9]+\\.[0-9]+\\.[0-9]+"));
}

TEST(Version, NamesACommitOrSaysThatItIsUnknown) {
  EXPECT_THAT(std::string(git_commit()), ::testing::MatchesRegex("unknown|[0-9a-f]{12,}"));
}

}  // namespace
}  // namespace cajal
