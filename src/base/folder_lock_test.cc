#include "base/folder_lock.h"

#include <gmock/gmock.h>

#include "base/error.h"

namespace cajal {
namespace {

namespace fs = std::filesystem;

struct Folder {
  Folder() { fs::create_directories(path); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { fs::remove_all(path); }

  fs::path path = fs::path(::testing::TempDir()) / "folder_lock_test";
};

TEST(FolderLock, IsNotGivenTwice) {
  const Folder folder;
  const auto lock = FolderLock::take(folder.path);
  EXPECT_TRUE(lock);
  EXPECT_FALSE(FolderLock::take(folder.path));
}

TEST(FolderLock, EndsWithTheObjectAndLeavesNothing) {
  const Folder folder;
  {
    const auto lock = FolderLock::take(folder.path);
  }
  EXPECT_TRUE(FolderLock::take(folder.path));
  EXPECT_TRUE(fs::is_empty(folder.path));
}

TEST(FolderLock, NeedsAFolder) {
  EXPECT_THROW(FolderLock::take("/no/such/folder"), Error);
}

}  // namespace
}  // namespace cajal
