#include "explain/grouping_score.h"

#include <gmock/gmock.h>

namespace cajal {
namespace {

constexpr double kScoreError = 1e-14;  // a few sums of numbers below 1

/// Six features, all direct inputs of the target, with shares 1/8, 1/8, 2/8, 1/8, 2/8, 1/8.
GraphFlow six_features() {
  const NodeCounts counts = {6, 1, 1, 1};
  Matrix rows = Matrix::host(7, counts.sources(), DType::F64);
  auto a = rows.as<double>();
  std::fill_n(a.data, 7 * counts.sources(), 0.0);
  const std::vector<double> shares = {1, 1, 2, 1, 2, 1};
  for (std::size_t f = 0; f < 6; ++f) {
    a.at(f, counts.embedding(0)) = 1.0;
    a.at(6, f) = shares[f];
  }
  return {counts, std::move(rows), {1.0}, std::vector<double>(6, 1.0)};
}

std::string truth_of(std::uint32_t node) {
  const std::vector<std::string> labels = {"state=Texas", "state=Ohio", "state=Texas", "",
                                           "known=no",    "state=Texas"};
  return labels[node];
}

const std::vector<std::uint32_t> kAll = {0, 1, 2, 3, 4, 5};
const std::vector<std::string> kTexas = {"state=Texas"};

TEST(GroupingScore, PurityIsTheInfluenceOfTheCommonestTruth) {
  const std::vector<FeatureGroup> groups = {{.nodes = {0, 1, 2, 3}, .label = ""},
                                            {.nodes = {4}, .label = ""}};
  const GroupingScore got = score_grouping(six_features(), kAll, groups, truth_of, kTexas);
  EXPECT_NEAR(got.purity.share(), 3.0 / 4.0, kScoreError);
  EXPECT_NEAR(got.purity.labelled, 0.5, kScoreError);
  EXPECT_TRUE(got.can_be_found);
  EXPECT_TRUE(got.found);
}

TEST(GroupingScore, OneLabelledMemberDoesNotCountStrictly) {
  const std::vector<FeatureGroup> groups = {{.nodes = {3, 4}, .label = ""},
                                            {.nodes = {1, 5}, .label = ""}};
  const GroupingScore got = score_grouping(six_features(), kAll, groups, truth_of, kTexas);
  EXPECT_NEAR(got.purity.share(), 3.0 / 4.0, kScoreError);
  EXPECT_NEAR(got.strict_purity.share(), 0.5, kScoreError);
}

TEST(GroupingScore, WhatIsHiddenMustBeMostOfAGroup) {
  const std::vector<FeatureGroup> mixed = {{.nodes = {0, 1, 4}, .label = ""}};
  EXPECT_FALSE(score_grouping(six_features(), kAll, mixed, truth_of, kTexas).found);
  const std::vector<std::uint32_t> kept = {1, 3, 4};
  const GroupingScore got =
      score_grouping(six_features(), kept, mixed, truth_of, std::vector<std::string>{"state=Utah"});
  EXPECT_FALSE(got.can_be_found);
  EXPECT_FALSE(got.found);
}

}  // namespace
}  // namespace cajal
