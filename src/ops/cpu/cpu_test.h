// The fixture of the tests that compare the cpu backend with the reference, at every instruction
// set that this machine can run (CAJAL_ISA bounds it from above).
#pragma once

#include <functional>

#include <gtest/gtest.h>

#include "ops/backend.h"
#include "ops/sample_test.h"

namespace cajal {

inline constexpr double kEpsilon = 0x1p-24;  // the unit roundoff of f32

class CpuTest : public ::testing::TestWithParam<std::string_view> {
 protected:
  void SetUp() override;
  void TearDown() override;

  std::unique_ptr<Backend> cpu_ = make_cpu_backend();
  std::unique_ptr<Backend> ref_ = make_reference_backend();

 private:
  std::string before_;
};

/// |got - want| <= bound, element by element; equal NaN and infinities pass.
void expect_close(ConstMatRef got, ConstMatRef want, const std::vector<double>& bound,
                  std::string_view what);
/// The same with bound = relative * |want| + absolute.
void expect_close(ConstMatRef got, ConstMatRef want, double relative, double absolute,
                  std::string_view what);

/// `compute` fills a matrix; its bytes must be the same at 1, 2 and 4 threads.
void expect_same_for_threads(const std::function<std::vector<std::byte>()>& compute,
                             std::string_view what);

inline constexpr std::size_t kOddSizes[] = {1, 7, 8, 9, 15, 16, 17, 31, 33};

}  // namespace cajal
