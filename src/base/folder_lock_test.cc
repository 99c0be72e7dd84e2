#include "base/folder_lock.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "testing/files.h"

namespace cajal {
namespace {

TEST(FolderLock, IsNotGivenTwice) {
  const testing::TemporaryFolder folder;
  const auto lock = FolderLock::take(folder.path());
  EXPECT_TRUE(lock);
  EXPECT_FALSE(FolderLock::take(folder.path()));
}

TEST(FolderLock, EndsWithTheObjectAndLeavesNothing) {
  const testing::TemporaryFolder folder;
  {
    const auto lock = FolderLock::take(folder.path());
  }
  EXPECT_TRUE(FolderLock::take(folder.path()));
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(FolderLock, NeedsAFolder) {
  EXPECT_THROW(FolderLock::take("/no/such/folder"), Error);
}

}  // namespace
}  // namespace cajal
