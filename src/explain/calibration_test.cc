#include "explain/calibration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cajal {
namespace {

using ::testing::ElementsAre;

TEST(Ranks, ShareTheirMeanWhereValuesAreEqual) {
  EXPECT_THAT(ranks_of(std::vector<double>{3.0, 1.0, 3.0, 2.0}), ElementsAre(2.5, 0.0, 2.5, 1.0));
  EXPECT_TRUE(ranks_of({}).empty());
}

TEST(Correlation, IsPearsons) {
  // numpy.corrcoef([1, 2, 4, 8], [1, 3, 2, 9])[0, 1]
  EXPECT_NEAR(correlation(std::vector<double>{1, 2, 4, 8}, std::vector<double>{1, 3, 2, 9}),
              0.9212772401, 1e-9);
  EXPECT_EQ(correlation(std::vector<double>{1, 2}, std::vector<double>{3, 3}), 0.0);
  EXPECT_EQ(correlation({}, {}), 0.0);
}

TEST(Calibration, SumsClaimsUpByDecilesOfWhatIsPredicted) {
  std::vector<TestedClaim> claims;
  for (int i = 40; i > 0; --i) {
    const std::vector<double> controls = {0.5, -1.5};
    claims.push_back({judged_claim(-i, -0.5 * i, controls), controls});
  }
  const Calibration c = calibrate(claims);
  ASSERT_EQ(c.deciles.size(), 10U);
  EXPECT_EQ(c.deciles[0].claims, 4U);
  EXPECT_DOUBLE_EQ(c.deciles[0].predicted, -2.5);
  EXPECT_DOUBLE_EQ(c.deciles[9].size_measured, 19.25);
  EXPECT_DOUBLE_EQ(c.all.ratio, 0.5);
  EXPECT_DOUBLE_EQ(c.all.control, 1.0);
  EXPECT_NEAR(c.correlation, 1.0, 1e-12);
  EXPECT_NEAR(c.rank_correlation, 1.0, 1e-12);
  EXPECT_NEAR(c.deciles[0].held, 0.5, 1e-12);  // 2 and 1.5 exceed 1.45, 1 and 0.5 do not
  EXPECT_NEAR(c.all.held, 38.0 / 40.0, 1e-12);
}

TEST(Calibration, OfFewClaimsHasFewBins) {
  EXPECT_EQ(calibrate({}).deciles.size(), 0U);
  const std::vector<TestedClaim> claims(3);
  EXPECT_EQ(calibrate(claims).deciles.size(), 3U);
}

}  // namespace
}  // namespace cajal
