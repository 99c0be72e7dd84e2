#include "measure/linear_classifier.h"

#include <cmath>

#include <gtest/gtest.h>

#include "base/random.h"

namespace cajal {
namespace {

struct Sample {
  Matrix x;
  std::vector<std::size_t> labels;
};

/// Class k is normal around (3k, 0, 0, ...) with variance 1, all classes alike often.
Sample on_a_line(std::size_t n, std::size_t width, std::size_t classes, std::uint64_t stream) {
  Sample out{Matrix::host(n, width, DType::F64), {}};
  for (std::size_t r = 0; r < n; ++r) {
    out.labels.push_back(r % classes);
    for (std::size_t c = 0; c < width; ++c) {
      const double centre = c == 0 ? 3.0 * static_cast<double>(r % classes) : 0.0;
      out.x.as<double>().at(r, c) = centre + random_normal(1, stream, r * width + c);
    }
  }
  return out;
}

double share_right(const LinearClassifier& classifier, const Sample& sample) {
  std::size_t right = 0;
  for (std::size_t r = 0; r < sample.labels.size(); ++r) {
    right += classifier.classify(sample.x.as<double>().row(r)) == sample.labels[r] ? 1U : 0U;
  }
  return static_cast<double>(right) / static_cast<double>(sample.labels.size());
}

LinearClassifier fitted(const Sample& sample, std::size_t classes) {
  return LinearClassifier::fit(sample.x.as<double>(), sample.labels, classes);
}

TEST(LinearClassifier, IsAsGoodAsCanBeAlsoForClassesBetweenOthers) {
  // The best rule cuts half-way: inner classes lose both tails beyond 1.5, outer ones one.
  const double tail = 0.5 * std::erfc(1.5 / std::sqrt(2.0));
  const double best = 1.0 - tail * (2.0 * 4.0 + 2.0) / 6.0;
  const auto classifier = fitted(on_a_line(6000, 8, 6, 1), 6);
  EXPECT_NEAR(share_right(classifier, on_a_line(6000, 8, 6, 2)), best, 0.015);
}

TEST(LinearClassifier, NeedsFewExamples) {
  // With the covariance known, 30 examples of each class give Phi(9 / (2 sqrt(9 + 100 / 15))).
  const double known =
      1.0 - 0.5 * std::erfc(9.0 / (2.0 * std::sqrt(9.0 + 100.0 / 15.0)) / std::sqrt(2.0));
  const auto classifier = fitted(on_a_line(60, 100, 2, 1), 2);
  EXPECT_NEAR(share_right(classifier, on_a_line(2000, 100, 2, 2)), known, 0.06);
  EXPECT_GT(classifier.shrinkage(), 0.1);
}

TEST(LinearClassifier, FindsNothingWhereNothingIs) {
  Sample noise = on_a_line(2000, 10, 1, 3);
  Sample test = on_a_line(2000, 10, 1, 4);
  for (std::size_t r = 0; r < 2000; ++r) {
    noise.labels[r] = test.labels[r] = r % 4;
  }
  EXPECT_NEAR(share_right(fitted(noise, 4), test), 0.25, 0.05);
}

TEST(LinearClassifier, NamesTheCommonestOfWhatNeverChanges) {
  Sample same = on_a_line(9, 4, 1, 5);
  for (std::size_t r = 0; r < 9; ++r) {
    same.labels[r] = r < 3 ? 0 : 1;
    for (std::size_t c = 0; c < 4; ++c) {
      same.x.as<double>().at(r, c) = 0.1 + static_cast<double>(c);
    }
  }
  EXPECT_EQ(fitted(same, 2).classify(std::vector<double>{0.1, 1.1, 2.1, 3.1}), 1U);
}

/// Solves a w = b by elimination.
std::vector<double> eliminated(std::vector<std::vector<double>> a, std::vector<double> b) {
  const std::size_t n = b.size();
  for (std::size_t k = 0; k < n; ++k) {
    for (std::size_t i = 0; i < n; ++i) {
      const double factor = i == k ? 0.0 : a[i][k] / a[k][k];
      for (std::size_t j = 0; j < n; ++j) {
        a[i][j] -= factor * a[k][j];
      }
      b[i] -= factor * b[k];
    }
  }
  for (std::size_t k = 0; k < n; ++k) {
    b[k] /= a[k][k];
  }
  return b;
}

TEST(LinearClassifier, IsTheFormulaWorkedOutPlainly) {
  // Within classes both columns have variance 3/4; the middle is 0.
  const double scale = std::sqrt(4.0 / 3.0);
  const std::vector<std::vector<double>> points = {{1, 1}, {1, -1}, {-1, 1}, {-1, -1},
                                                   {1, 1}, {1, -1}, {-1, 1}, {-1, -1}};
  const std::vector<std::size_t> labels = {0, 0, 0, 1, 0, 1, 1, 1};
  Matrix x = Matrix::host(8, 2, DType::F64);
  std::vector<std::vector<double>> means(2, std::vector<double>(2, 0.0));
  for (std::size_t r = 0; r < 8; ++r) {
    for (std::size_t c = 0; c < 2; ++c) {
      x.as<double>().at(r, c) = points[r][c];
      means[labels[r]][c] += scale * points[r][c] / 4.0;
    }
  }
  std::vector<std::vector<double>> s(2, std::vector<double>(2, 0.0));
  double fourth = 0.0;
  for (std::size_t r = 0; r < 8; ++r) {
    const double u = scale * points[r][0] - means[labels[r]][0];
    const double v = scale * points[r][1] - means[labels[r]][1];
    s[0][0] += u * u / 8;
    s[0][1] += u * v / 8;
    s[1][0] += u * v / 8;
    s[1][1] += v * v / 8;
    fourth += (u * u + v * v) * (u * u + v * v) / 8;
  }
  const double level = (s[0][0] + s[1][1]) / 2;
  const double squares = s[0][0] * s[0][0] + 2 * s[0][1] * s[0][1] + s[1][1] * s[1][1];
  const double distance = squares - 2 * level * level;
  const double share = std::min(1.0, (fourth - squares) / 8 / distance);
  for (std::size_t i = 0; i < 2; ++i) {
    for (std::size_t j = 0; j < 2; ++j) {
      s[i][j] = (1 - share) * s[i][j] + (i == j ? share * level + 1e-3 : 0.0);
    }
  }
  const auto classifier = LinearClassifier::fit(x.as<double>(), labels, 2);
  EXPECT_NEAR(classifier.shrinkage(), share, 1e-12);
  const std::vector<double> at = {0.3, -0.7};
  for (std::size_t k = 0; k < 2; ++k) {
    const std::vector<double> w = eliminated(s, means[k]);
    const double expected = scale * (w[0] * at[0] + w[1] * at[1]) -
                            0.5 * (w[0] * means[k][0] + w[1] * means[k][1]) + std::log(0.5);
    EXPECT_NEAR(classifier.scores(at)[k], expected, 1e-9);
  }
}

}  // namespace
}  // namespace cajal
