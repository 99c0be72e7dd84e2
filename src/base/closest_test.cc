#include "base/closest.h"

#include <gtest/gtest.h>

namespace cajal {
namespace {

TEST(Closest, FindsTheNameWithOneLetterChanged) {
  EXPECT_EQ(closest("temprature", {"top_k", "temperature", "seed"}), "temperature");
  EXPECT_EQ(closest("resid_pots.3", {"resid_pre.3", "resid_post.2", "resid_post.3"}),
            "resid_post.3");
}

TEST(Closest, TakesTheFirstOfEquals) {
  EXPECT_EQ(closest("ab", {"ac", "ad"}), "ac");
}

TEST(Closest, IsEmptyWithoutCandidates) {
  EXPECT_EQ(closest("x", {}), "");
}

TEST(Closest, LooksAtTheBeginningOfALongName) {
  EXPECT_EQ(closest(std::string(1U << 20U, 'b'), {"a", "b"}), "b");
}

}  // namespace
}  // namespace cajal
