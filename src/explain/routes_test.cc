// Routes against a graph small enough to write down every path.
#include "explain/routes.h"

#include <gmock/gmock.h>

namespace cajal {
namespace {

using ::testing::ElementsAre;

constexpr double kRouteError = 1e-14;  // a handful of products of numbers of order 1

/// Features 0 to 3 in one layer at two positions; e0, e1 the embeddings; t the target:
/// t <- 3, 2, e1;  3 <- 2, 0;  2 <- 1, error(0, 1);  1 <- e0;  0 <- e0, e1.
GraphFlow flow_of_four() {
  const NodeCounts counts = {4, 1, 2, 1};
  Matrix rows = Matrix::host(5, counts.sources(), DType::F64);
  auto a = rows.as<double>();
  std::fill_n(a.data, 5 * counts.sources(), 0.0);
  a.at(4, 3) = 2.0;
  a.at(4, 2) = 1.0;
  a.at(4, counts.embedding(1)) = -1.0;
  a.at(3, 2) = 1.0;
  a.at(3, 0) = -3.0;
  a.at(2, 1) = 3.0;
  a.at(2, counts.error(0, 1)) = 1.0;
  a.at(1, counts.embedding(0)) = 2.0;
  a.at(0, counts.embedding(0)) = 1.0;
  a.at(0, counts.embedding(1)) = 1.0;
  return {counts, std::move(rows), {0.5}, {1.0, 2.0, 4.0, 1.0}};
}

const std::vector<std::uint32_t> kA = {0};
const std::vector<std::uint32_t> kB = {1, 3};

TEST(Routes, SumOverAllPathsThatPassTheSameBoxes) {
  const GraphFlow flow = flow_of_four();
  const std::vector<Route> got = strongest_routes(flow, {kA, kB}, 10);
  ASSERT_EQ(got.size(), 3U);
  // e0, e1 -> A -> B -> t: 1/2 * 3/4.
  EXPECT_THAT(got[0].boxes, ElementsAre(0U, 1U));
  EXPECT_NEAR(got[0].share, 0.375, kRouteError);
  EXPECT_NEAR(got[0].words[0], 0.1875, kRouteError);
  EXPECT_NEAR(got[0].words[1], 0.1875, kRouteError);
  EXPECT_NEAR(got[0].effect, 2.0 * -3.0 * 2.0, kRouteError);
  // e0 -> B -> t, also by way of 2, which is in no box, and back into B: (1/4 + 1/8) * 3/4.
  EXPECT_THAT(got[1].boxes, ElementsAre(1U));
  EXPECT_NEAR(got[1].share, 0.28125, kRouteError);
  EXPECT_NEAR(got[1].effect, (1.0 + 2.0) * 3.0 / 4.0 * 2.0 / 2.0, kRouteError);
  // e1 -> t.
  EXPECT_TRUE(got[2].boxes.empty());
  EXPECT_NEAR(got[2].share, 0.25, kRouteError);
  EXPECT_NEAR(got[2].effect, -1.0, kRouteError);
  double all = flow.unexplained();
  for (const Route& route : got) {
    all += route.share;
  }
  EXPECT_NEAR(all, 1.0, kRouteError);
}

TEST(Routes, TheStrongestComeFirstAndNoMoreThanAsked) {
  const std::vector<Route> got = strongest_routes(flow_of_four(), {kA, kB}, 1);
  ASSERT_EQ(got.size(), 1U);
  EXPECT_NEAR(got[0].share, 0.375, kRouteError);
  EXPECT_TRUE(strongest_routes(flow_of_four(), {kA, kB}, 0).empty());
}

}  // namespace
}  // namespace cajal
