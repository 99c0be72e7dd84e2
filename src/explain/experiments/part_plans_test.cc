#include "explain/experiments/part_plans.h"

#include <set>

#include <gtest/gtest.h>

namespace cajal {
namespace {

const std::vector<GroupMember> kGroup = {{0, 3}, {2, 5}};

// Twelve features of layer 0 that write 1, 2, ... 12, and two of layer 2.
WrittenBy made_up() {
  WrittenBy out = {{{2, 5}, 4.0}, {{2, 6}, 8.0}};
  for (std::uint32_t f = 0; f < 12; ++f) {
    out[{0, f}] = 1.0 + f;
  }
  return out;
}

TEST(PartPlans, AGroupIsOffAtEveryToken) {
  const Interventions edits = off(kGroup);
  ASSERT_EQ(edits.features.size(), 2U);
  EXPECT_EQ(edits.features[0].positions, Positions::from(0));
  EXPECT_EQ(edits.features[0].change, (Change{ChangeKind::Set, 0.0}));
}

TEST(PartPlans, AControlTakesAsMuchFromOthersOfTheSameLayers) {
  const WrittenBy written = made_up();
  for (std::uint64_t index = 0; index < 50; ++index) {
    Dice dice(0, "test", index);
    const Interventions edits = off_like(kGroup, written, dice);
    ASSERT_EQ(edits.features.size(), 2U);
    for (std::size_t i = 0; i < 2; ++i) {
      const FeatureEdit& edit = edits.features[i];
      const GroupMember drawn = {static_cast<std::uint32_t>(edit.layer),
                                 static_cast<std::uint32_t>(edit.feature)};
      EXPECT_EQ(drawn.layer, kGroup[i].layer);
      EXPECT_NE(drawn, kGroup[i]);
      ASSERT_EQ(edit.change.kind, ChangeKind::Scale);
      EXPECT_NEAR((1.0 - edit.change.value) * written.at(drawn), written.at(kGroup[i]), 1e-12);
    }
  }
}

TEST(PartPlans, AControlIsDrawnFromTheEightThatWriteMostNearlyAsMuch) {
  const WrittenBy written = made_up();
  std::set<std::size_t> drawn;
  for (std::uint64_t index = 0; index < 200; ++index) {
    Dice dice(0, "test", index);
    drawn.insert(off_like(std::span(kGroup).first(1), written, dice).features.front().feature);
  }
  // 4.0 by ratio: 5, 3, 6, 7, 8, 2 and then 9, 10; not 1 nor 11 and 12.
  EXPECT_EQ(drawn, (std::set<std::size_t>{1, 2, 4, 5, 6, 7, 8, 9}));
}

TEST(PartPlans, WhatDoesNotFireHasNoControl) {
  const std::vector<GroupMember> group = {{1, 7}};
  Dice dice(0, "test", 0);
  EXPECT_TRUE(off_like(group, made_up(), dice).features.empty());
}

}  // namespace
}  // namespace cajal
