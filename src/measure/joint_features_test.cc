#include "measure/joint_features.h"

#include <gmock/gmock.h>

#include "testing/files.h"

namespace cajal {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatEq;
using ::testing::IsEmpty;

/// Two sites of four features; three tokens.
std::vector<SparseRows> two_sites() {
  SparseRows first{.cols = 4};
  first.append(1, 2.0F);
  first.end_row();
  first.append(1, 8.0F);
  first.append(3, 1.0F);
  first.end_row();
  first.end_row();
  SparseRows second{.cols = 4};
  second.end_row();
  second.append(1, 1.0F);
  second.end_row();
  second.append(0, 5.0F);
  second.end_row();
  return {first, second};
}

TEST(JointFeatures, SayHowMuchOfAGroupIsThere) {
  const std::vector<std::vector<JointMember>> groups = {
      {{.site = 0, .feature = 1, .weight = 3.0, .full = 4.0},
       {.site = 1, .feature = 1, .weight = 1.0, .full = 1.0}},
      {{.site = 1, .feature = 1, .weight = 1.0, .full = 2.0}},
  };
  const JointFeatures joint(groups);
  const std::vector<SparseRows> codes = two_sites();
  const SparseRows read = joint.read(codes);
  ASSERT_EQ(read.rows(), 3U);
  EXPECT_EQ(read.cols, 2U);
  EXPECT_THAT(read.row(0).columns, ElementsAre(0));
  EXPECT_THAT(read.row(0).values, ElementsAre(FloatEq(0.375F)));  // 3/4 of 2/4
  EXPECT_THAT(read.row(1).columns, ElementsAre(0, 1));
  EXPECT_THAT(read.row(1).values, ElementsAre(FloatEq(1.0F), FloatEq(0.5F)));
  EXPECT_THAT(read.row(2).columns, IsEmpty());
}

TEST(JointFeatures, RefuseAGroupOfNothing) {
  const std::vector<std::vector<JointMember>> empty = {{}};
  const std::vector<std::vector<JointMember>> weightless = {{{.weight = 0.0}}};
  EXPECT_EQ(testing::thrown_by([&] { JointFeatures joint(empty); }).code,
            ErrorCode::InvalidArgument);
  EXPECT_EQ(testing::thrown_by([&] { JointFeatures joint(weightless); }).code,
            ErrorCode::InvalidArgument);
}

}  // namespace
}  // namespace cajal
