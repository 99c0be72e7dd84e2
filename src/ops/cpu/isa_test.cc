#include "ops/cpu/isa.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace cajal {
namespace {

TEST(Isa, IsOneOfTheLevelsThatTheMachineHas) {
  EXPECT_THAT(cpu_isas(), ::testing::Contains(cpu_isa_name()));
  EXPECT_EQ(cpu_isas().back(), "scalar");
}

TEST(Isa, CanBeLimitedAndNamesTheLevels) {
  const std::string before = cpu_isa_name();
  limit_cpu_isa("scalar");
  EXPECT_EQ(cpu_isa_name(), "scalar");
  limit_cpu_isa(before);
  EXPECT_EQ(cpu_isa_name(), before);
  try {
    limit_cpu_isa("mmx");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::InvalidArgument);
    EXPECT_THAT(error.what(), ::testing::HasSubstr("avx2, sse4"));
  }
}

}  // namespace
}  // namespace cajal
