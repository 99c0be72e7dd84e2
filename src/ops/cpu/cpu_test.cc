#include "ops/cpu/cpu_test.h"

#include <algorithm>
#include <cmath>

#include "base/parallel.h"
#include "ops/cpu/isa.h"

namespace cajal {

void CpuTest::SetUp() {
  before_ = cpu_isa_name();
  const auto levels = cpu_isas();
  const auto position = [&](std::string_view name) {
    return std::find(levels.begin(), levels.end(), name) - levels.begin();
  };
  if (position(GetParam()) < position(before_)) {
    GTEST_SKIP() << GetParam() << " is above the level that CAJAL_ISA allows";
  }
  limit_cpu_isa(GetParam());
}

void CpuTest::TearDown() {
  limit_cpu_isa(before_);
}

void expect_close(ConstMatRef got, ConstMatRef want, const std::vector<double>& bound,
                  std::string_view what) {
  ASSERT_EQ(got.rows, want.rows);
  ASSERT_EQ(got.cols, want.cols);
  for (std::size_t i = 0; i < got.rows * got.cols; ++i) {
    const double x = element(got, i / got.cols, i % got.cols);
    const double y = element(want, i / got.cols, i % got.cols);
    const bool same = x == y || (std::isnan(x) && std::isnan(y));
    ASSERT_TRUE(same || std::abs(x - y) <= bound[i])
        << what << ", row " << i / got.cols << ", column " << i % got.cols << ": " << x << ", not "
        << y << ": off by " << std::abs(x - y) << ", allowed " << bound[i];
  }
}

void expect_close(ConstMatRef got, ConstMatRef want, double relative, double absolute,
                  std::string_view what) {
  std::vector<double> bound = elements(want);
  for (double& x : bound) {
    x = relative * std::abs(x) + absolute;
  }
  expect_close(got, want, bound, what);
}

void expect_same_for_threads(const std::function<std::vector<std::byte>()>& compute,
                             std::string_view what) {
  const int before = threads();
  set_threads(1);
  const auto one = compute();
  for (const int count : {2, 4}) {
    set_threads(count);
    EXPECT_EQ(compute() == one, true) << what << ": other bits with " << count << " threads";
  }
  set_threads(before);
}

}  // namespace cajal
