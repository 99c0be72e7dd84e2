#include "explain/cluster.h"

#include <gmock/gmock.h>

#include "base/random.h"

namespace cajal {
namespace {

using ::testing::ElementsAre;

Matrix likeness_of(std::size_t n, const std::function<double(std::size_t, std::size_t)>& of) {
  Matrix out = Matrix::host(n, n, DType::F32);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      out.as<float>().at(i, j) = static_cast<float>(of(std::min(i, j), std::max(i, j)));
    }
  }
  return out;
}

/// Average linkage by its definition, without anything kept from one step to the next.
std::vector<std::vector<std::uint32_t>> plain(const Matrix& likeness, std::size_t groups) {
  std::vector<std::vector<std::uint32_t>> out;
  for (std::uint32_t i = 0; i < likeness.rows(); ++i) {
    out.push_back({i});
  }
  const auto mean = [&](std::size_t a, std::size_t b) {
    double sum = 0.0;
    for (const std::uint32_t i : out[a]) {
      for (const std::uint32_t j : out[b]) {
        sum += static_cast<double>(likeness.as<const float>().at(i, j));
      }
    }
    return sum / static_cast<double>(out[a].size() * out[b].size());
  };
  while (out.size() > groups) {
    std::size_t best_a = 0;
    std::size_t best_b = 1;
    for (std::size_t a = 0; a < out.size(); ++a) {
      for (std::size_t b = a + 1; b < out.size(); ++b) {
        if (mean(a, b) > mean(best_a, best_b)) {
          best_a = a;
          best_b = b;
        }
      }
    }
    out[best_a].insert(out[best_a].end(), out[best_b].begin(), out[best_b].end());
    std::sort(out[best_a].begin(), out[best_a].end());
    out.erase(out.begin() + static_cast<std::ptrdiff_t>(best_b));
  }
  return out;
}

TEST(Cluster, IsAverageLinkage) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    const Matrix likeness =
        likeness_of(17, [&](std::size_t i, std::size_t j) { return random_uniform(seed, i, j); });
    const std::vector<double> weights(17, 1.0);
    // Nothing is held unless all is: joined until four are left.
    const auto got =
        cluster(likeness.ref(), weights, {.most = 4, .hold = 1.0, .alike = 2.0, .enough = 1.0});
    EXPECT_THAT(got, ::testing::UnorderedElementsAreArray(plain(likeness, 4)));
  }
}

TEST(Cluster, StopsWhenFewGroupsHoldEnough) {
  const Matrix likeness =
      likeness_of(4, [](std::size_t i, std::size_t j) { return i == 0 && j == 1 ? 0.5 : 0.1; });
  const std::vector<double> weights = {1.0, 2.0, 4.0, 3.0};
  EXPECT_THAT(cluster(likeness.ref(), weights, {.most = 2, .hold = 0.7, .alike = 0.7}),
              ElementsAre(ElementsAre(2U), ElementsAre(3U)));
  EXPECT_THAT(
      cluster(likeness.ref(), weights, {.most = 3, .hold = 0.95, .alike = 0.7, .enough = 1.0}),
      ElementsAre(ElementsAre(2U), ElementsAre(0U, 1U), ElementsAre(3U)));
}

TEST(Cluster, JoinsWhatIsAlikeInAnyCase) {
  const Matrix likeness =
      likeness_of(3, [](std::size_t i, std::size_t j) { return i == 0 && j == 2 ? 0.9 : 0.1; });
  EXPECT_THAT(cluster(likeness.ref(), std::vector<double>{1.0, 1.0, 1.0}),
              ElementsAre(ElementsAre(0U, 2U), ElementsAre(1U)));
}

TEST(Cluster, GivesNoMoreGroupsThanHoldEnough) {
  const Matrix likeness = likeness_of(4, [](std::size_t, std::size_t) { return 0.1; });
  const std::vector<double> weights = {1.0, 5.0, 1.0, 3.0};
  EXPECT_THAT(cluster(likeness.ref(), weights, {.enough = 0.8}),
              ElementsAre(ElementsAre(1U), ElementsAre(3U)));
  EXPECT_EQ(cluster(likeness.ref(), weights, {.enough = 0.85}).size(), 3U);
  EXPECT_EQ(cluster(likeness.ref(), weights, {.most = 2, .hold = 0.5, .enough = 1.0}).size(), 2U);
}

TEST(Cluster, NothingGivesNoGroups) {
  EXPECT_TRUE(cluster(likeness_of(0, nullptr).ref(), {}).empty());
}

}  // namespace
}  // namespace cajal
