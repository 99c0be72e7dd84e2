#include "dictionary/selection.h"

#include <algorithm>
#include <cmath>
#include <tuple>

#include <gtest/gtest.h>

#include "base/random.h"

namespace cajal {
namespace {

constexpr std::size_t kRows = 33;
constexpr std::size_t kFewFeatures = 60;

/// A pre-activation: of few different sizes, so that many are equal.
double h_of(std::size_t r, std::size_t f) {
  return std::round(4.0 * random_normal(1, r, f)) / 4.0;
}

struct Fired {
  std::size_t row = 0;
  std::size_t feature = 0;
  double value = 0.0;
  friend bool operator==(const Fired&, const Fired&) = default;
};

/// The first `count` of `from` by size, then row, then feature; in the order of rows and features.
std::vector<Fired> largest(std::vector<Fired> from, std::size_t count, bool by_magnitude) {
  const auto key = [&](const Fired& x) {
    return std::tuple(by_magnitude ? -std::abs(x.value) : -x.value, x.row, x.feature);
  };
  std::ranges::sort(from, {}, key);
  from.resize(std::min(from.size(), count));
  std::ranges::sort(from, {}, [](const Fired& x) { return std::pair(x.row, x.feature); });
  return from;
}

/// What dictionary/activation.h says, looked at one number at a time.
std::vector<Fired> expected(const ActivationFunction& f) {
  const auto k = static_cast<std::size_t>(f.k);
  const bool magnitude = f.kind == ActivationKind::AbsTopK;
  std::vector<Fired> all;
  std::vector<Fired> out;
  for (std::size_t r = 0; r < kRows; ++r) {
    std::vector<std::vector<Fired>> groups(f.kind == ActivationKind::GroupMax ? k : 1);
    for (std::size_t i = 0; i < kFewFeatures; ++i) {
      const double h = h_of(r, i);
      const bool positive = h > 0 || f.keeps_negative || magnitude;
      const bool high = f.threshold.empty() || h > static_cast<double>(f.threshold[i]);
      if (positive && high) {
        groups[i * groups.size() / kFewFeatures].push_back({r, i, h});
      }
    }
    for (std::vector<Fired>& group : groups) {
      if (f.kind == ActivationKind::TopK || magnitude) {
        group = largest(group, k, magnitude);
      } else if (f.kind == ActivationKind::GroupMax) {
        group = largest(group, 1, false);
      }
      all.insert(all.end(), group.begin(), group.end());
    }
  }
  if (f.kind == ActivationKind::BatchTopK) {
    all = largest(all, static_cast<std::size_t>(f.k * kRows), false);
  }
  std::ranges::copy_if(all, std::back_inserter(out), [](const Fired& x) { return x.value != 0.0; });
  return out;
}

/// In blocks of 17 features, and of 9 tokens where tokens choose for themselves.
std::vector<Fired> selected(Backend& backend, const ActivationFunction& f) {
  const auto selection = make_selection(backend, f, {}, kRows, kFewFeatures);
  const std::size_t rows = chooses_among_tokens(f) ? kRows : 9;
  for (std::size_t r = 0; r < kRows; r += rows) {
    for (std::size_t i = 0; i < kFewFeatures; i += 17) {
      Matrix h = make_matrix(backend, std::min(rows, kRows - r),
                             std::min<std::size_t>(17, kFewFeatures - i));
      for (std::size_t a = 0; a < h.rows(); ++a) {
        for (std::size_t b = 0; b < h.cols(); ++b) {
          const double value = h_of(r + a, i + b);
          if (h.dtype() == DType::F64) {
            h.as<double>().at(a, b) = value;
          } else {
            h.as<float>().at(a, b) = static_cast<float>(value);
          }
        }
      }
      selection->take(h.ref(), r, i);
    }
  }
  const SparseRows rows_out = selection->finish();
  std::vector<Fired> out;
  for (std::size_t r = 0; r < rows_out.rows(); ++r) {
    const SparseRows::Row row = rows_out.row(r);
    for (std::size_t i = 0; i < row.size(); ++i) {
      out.push_back({r, row.columns[i], static_cast<double>(row.values[i])});
    }
  }
  EXPECT_EQ(rows_out.rows(), kRows);
  EXPECT_EQ(rows_out.cols, kFewFeatures);
  return out;
}

TEST(DictionarySelection, IsWhatEachFunctionSaysWhateverTheBlocks) {
  std::vector<float> thresholds;
  for (std::size_t i = 0; i < kFewFeatures; ++i) {
    thresholds.push_back(static_cast<float>(0.25 * static_cast<double>(i % 5) - 0.5));
  }
  const std::vector<ActivationFunction> functions = {
      {.kind = ActivationKind::Relu},
      {.kind = ActivationKind::TopK, .k = 5},
      {.kind = ActivationKind::TopK, .k = 50, .keeps_negative = true},
      {.kind = ActivationKind::AbsTopK, .k = 7},
      {.kind = ActivationKind::BatchTopK, .k = 2.5},
      {.kind = ActivationKind::BatchTopK, .k = 0.01},
      {.kind = ActivationKind::GroupMax, .k = 12},
      {.kind = ActivationKind::JumpRelu, .threshold = thresholds},
      {.kind = ActivationKind::JumpRelu, .keeps_negative = true, .threshold = thresholds},
  };
  const std::unique_ptr<Backend> backends[] = {make_cpu_backend(), make_reference_backend()};
  for (const auto& backend : backends) {
    for (const ActivationFunction& f : functions) {
      EXPECT_TRUE(selected(*backend, f) == expected(f))
          << name_of(f.kind) << " k " << f.k << " on " << backend->name();
    }
  }
}

}  // namespace
}  // namespace cajal
