#include "activations/firings.h"

#include <algorithm>
#include <numeric>
#include <tuple>

#include <gmock/gmock.h>

#include "base/random.h"

namespace cajal {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

SparseRows rows_of(std::size_t cols,
                   const std::vector<std::vector<std::pair<std::uint32_t, float>>>& rows) {
  SparseRows out{.cols = cols};
  for (const auto& row : rows) {
    for (const auto& [column, value] : row) {
      out.append(column, value);
    }
    out.end_row();
  }
  return out;
}

TEST(Firings, AreByFeatureThenTokenAndNumberedOverSites) {
  const std::vector<SparseRows> codes = {
      rows_of(3, {{{0, 1.0F}, {2, -2.0F}}, {{2, 3.0F}}, {{1, 9.0F}}}),
      rows_of(2, {{{1, 4.0F}}, {{0, 5.0F}}, {}})};
  const std::vector<std::size_t> rows = {5, 7, 20};  // of which the last is another sequence's
  const std::vector<std::size_t> first = {0, 3, 5};
  EXPECT_THAT(firings_of({.begin = 4, .end = 10}, rows, codes, first),
              ElementsAre(Firing{0, 1, 1.0F}, Firing{2, 1, 2.0F}, Firing{2, 3, 3.0F},
                          Firing{3, 3, 5.0F}, Firing{4, 1, 4.0F}));
  EXPECT_THAT(firings_of({.begin = 8, .end = 10}, rows, codes, first), IsEmpty());
}

TEST(Firings, AreSortedWhateverTheNumberOfFeatures) {
  for (const std::size_t features : std::vector<std::size_t>{1, 255, 256, 257, 65'536, 70'000}) {
    SparseRows codes{.cols = features};
    std::vector<std::tuple<std::uint32_t, std::uint32_t>> want;
    for (std::uint32_t token = 0; token < 50; ++token) {
      std::vector<std::uint32_t> columns;
      for (std::uint64_t i = 0; i < 20; ++i) {
        columns.push_back(static_cast<std::uint32_t>(random_bits(7, token, i) % features));
      }
      columns.push_back(static_cast<std::uint32_t>(features - 1));
      std::sort(columns.begin(), columns.end());
      columns.erase(std::unique(columns.begin(), columns.end()), columns.end());
      for (const std::uint32_t column : columns) {
        codes.append(column, 1.0F);
        want.emplace_back(column, token);
      }
      codes.end_row();
    }
    std::sort(want.begin(), want.end());
    std::vector<std::size_t> rows(50);
    std::iota(rows.begin(), rows.end(), std::size_t{0});
    std::vector<std::tuple<std::uint32_t, std::uint32_t>> got;
    for (const Firing& f : firings_of({.begin = 0, .end = 50}, rows, std::span(&codes, 1),
                                      std::vector<std::size_t>{0, features})) {
      got.emplace_back(f.feature, f.token);
    }
    EXPECT_EQ(got, want) << features;
  }
}

}  // namespace
}  // namespace cajal
