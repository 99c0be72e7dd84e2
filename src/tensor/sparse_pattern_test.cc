#include "tensor/sparse_pattern.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cajal {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// [[., 1, ., 2], [., ., ., .], [3, 4, ., .]]
SparseEntries example() {
  return {.pattern = {.cols = 4, .starts = {0, 2, 2, 4}, .columns = {1, 3, 0, 1}},
          .values = {1, 2, 3, 4}};
}

TEST(SparsePattern, TransposesWithRowsAscending) {
  const SparseEntries entries = example();
  const TransposedPattern t = transposed(entries.pattern);
  EXPECT_EQ(t.pattern.cols, 3U);
  EXPECT_THAT(t.pattern.starts, ElementsAre(0, 1, 3, 3, 4));
  EXPECT_THAT(t.pattern.columns, ElementsAre(2, 0, 2, 0));
  EXPECT_THAT(picked(entries.values, t.places), ElementsAre(3, 1, 4, 2));
}

TEST(SparsePattern, TransposedTwiceIsTheSame) {
  const SparsePattern pattern = example().pattern;
  const SparsePattern twice = transposed(transposed(pattern).pattern).pattern;
  EXPECT_EQ(twice.cols, pattern.cols);
  EXPECT_EQ(twice.starts, pattern.starts);
  EXPECT_EQ(twice.columns, pattern.columns);
}

TEST(SparsePattern, PartOfTheColumnsKeepsTheirNumbers) {
  const SparseEntries part = in_columns(example(), 1, 3);
  EXPECT_THAT(part.pattern.starts, ElementsAre(0, 1, 1, 2));
  EXPECT_THAT(part.pattern.columns, ElementsAre(1, 1));
  EXPECT_THAT(part.values, ElementsAre(1, 4));
}

TEST(SparsePattern, DiagonalHasOneEntryInEachRow) {
  EXPECT_THAT(diagonal(3).starts, ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(diagonal(3).columns, ElementsAre(0, 1, 2));
  EXPECT_THAT(diagonal(0).columns, IsEmpty());
}

}  // namespace
}  // namespace cajal
