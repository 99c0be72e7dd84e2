#include "base/scratch_file.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include "testing/files.h"

namespace cajal {
namespace {

using testing::TemporaryFolder;
using testing::thrown_by;

TEST(ScratchFile, HoldsWhatIsWrittenAndLeavesNoFile) {
  const TemporaryFolder folder;
  {
    const ScratchFile file(folder.path(), 100000);
    ASSERT_EQ(file.bytes().size(), 100000U);
    EXPECT_EQ(file.bytes()[99999], std::byte{0});
    std::fill(file.bytes().begin(), file.bytes().end(), std::byte{7});
    EXPECT_EQ(file.bytes()[99999], std::byte{7});
    EXPECT_EQ(folder.listing(), "");
  }
  EXPECT_EQ(folder.listing(), "");
}

TEST(ScratchFile, KeepsWhatIsThereWhenItGrows) {
  const TemporaryFolder folder;
  ScratchFile file(folder.path(), 0);
  EXPECT_TRUE(file.bytes().empty());
  file.grow(5000);
  std::fill(file.bytes().begin(), file.bytes().end(), std::byte{3});
  file.grow(50'000'000);
  ASSERT_EQ(file.bytes().size(), 50'000'000U);
  EXPECT_EQ(file.bytes()[4999], std::byte{3});
  EXPECT_EQ(file.bytes()[5000], std::byte{0});
  EXPECT_EQ(file.bytes().back(), std::byte{0});
}

TEST(ScratchFile, SaysWhatToDoWhereThereIsNoRoom) {
  const TemporaryFolder folder;
  const auto full =
      thrown_by([&] { const ScratchFile file(folder.path(), std::size_t{1} << 60U); });
  EXPECT_EQ(full.code, ErrorCode::ResourceExhausted);
  EXPECT_NE(full.message.find("set TMPDIR"), std::string::npos) << full.message;
  const auto missing = thrown_by([&] { const ScratchFile file(folder / "none", 8); });
  EXPECT_EQ(missing.code, ErrorCode::NotFound);
  EXPECT_EQ(folder.listing(), "");
}

TEST(ScratchFile, GoesWhereTmpdirSaysEvenIfThatIsNotThere) {
  const char* const before = std::getenv("TMPDIR");
  const std::string kept = before == nullptr ? "" : before;
  ::setenv("TMPDIR", "/nowhere/at/all", 1);
  EXPECT_EQ(scratch_folder(), "/nowhere/at/all");
  EXPECT_EQ(thrown_by([&] { const ScratchFile file(scratch_folder(), 8); }).code,
            ErrorCode::NotFound);
  ::unsetenv("TMPDIR");
  EXPECT_EQ(scratch_folder(), "/tmp");
  if (before != nullptr) {
    ::setenv("TMPDIR", kept.c_str(), 1);
  }
}

}  // namespace
}  // namespace cajal
