#include "base/parallel.h"

#include <algorithm>
#include <atomic>
#include <vector>

#include <gtest/gtest.h>

#include "base/error.h"

namespace cajal {
namespace {

class Threads : public ::testing::TestWithParam<int> {
 protected:
  void SetUp() override { set_threads(GetParam()); }
  void TearDown() override { set_threads(before_); }

 private:
  int before_ = threads();
};

TEST_P(Threads, EveryIndexIsVisitedOnce) {
  for (const std::size_t count : {0UL, 1UL, 7UL, 8UL, 9UL, 31UL, 1000UL}) {
    std::vector<int> visits(count);
    parallel_for(count, 8, [&](std::size_t begin, std::size_t end) {
      for (std::size_t i = begin; i < end; ++i) {
        ++visits[i];
      }
    });
    EXPECT_EQ(visits, std::vector<int>(count, 1));
  }
}

TEST_P(Threads, ChunksDoNotDependOnTheirNumber) {
  std::vector<std::size_t> end_of(100);
  parallel_for(100, 16, [&](std::size_t begin, std::size_t end) { end_of[begin] = end; });
  for (std::size_t begin = 0; begin < 100; begin += 16) {
    EXPECT_EQ(end_of[begin], std::min<std::size_t>(begin + 16, 100));
  }
}

TEST_P(Threads, ACallInsideAChunkDoesItsWork) {
  std::atomic<std::size_t> sum = 0;
  parallel_for(10, 1, [&](std::size_t, std::size_t) {
    parallel_for(10, 1, [&](std::size_t begin, std::size_t end) { sum += end - begin; });
  });
  EXPECT_EQ(sum, 100U);
}

TEST_P(Threads, ThereAreMoreThanTheIndexOfTheCallerWhateverIsSetInsideAChunk) {
  std::atomic<int> wrong = 0;
  parallel_for(100, 1, [&](std::size_t, std::size_t) {
    set_threads(1);  // as OMP_NUM_THREADS=4,1 does
    wrong += thread_index() < static_cast<std::size_t>(threads()) ? 0 : 1;
  });
  EXPECT_EQ(wrong, 0);
}

INSTANTIATE_TEST_SUITE_P(Counts, Threads, ::testing::Values(1, 2, 4));

TEST(ThreadCount, ANumberThatIsNoneIsRefused) {
  EXPECT_THROW(set_threads(0), Error);
  EXPECT_THROW(set_threads(-3), Error);
}

}  // namespace
}  // namespace cajal
