#include "base/file.h"

#include <cerrno>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "testing/files.h"

namespace cajal {
namespace {

using testing::FailingDisk;
using ::testing::HasSubstr;
using testing::TemporaryFolder;
using testing::thrown_by;

TEST(File, MapsAndReadsWhatWasWritten) {
  const TemporaryFolder folder;
  write_file(folder / "a", "some text");
  EXPECT_EQ(read_file(folder / "a"), "some text");
  const auto file = MappedFile::open(folder / "a");
  EXPECT_EQ(std::to_integer<char>(file->bytes()[5]), 't');
  EXPECT_EQ(file->bytes().size(), 9U);
  EXPECT_EQ(file->path(), folder / "a");
}

TEST(File, EmptyFileGivesAnEmptySpan) {
  const TemporaryFolder folder;
  write_file(folder / "a", "");
  EXPECT_TRUE(MappedFile::open(folder / "a")->bytes().empty());
  EXPECT_EQ(read_file(folder / "a"), "");
}

TEST(File, MissingFileIsNotFound) {
  const TemporaryFolder folder;
  const auto thrown = thrown_by([&] { MappedFile::open(folder / "missing"); });
  EXPECT_EQ(thrown.code, ErrorCode::NotFound);
  EXPECT_THAT(thrown.message, HasSubstr("missing"));
  EXPECT_EQ(thrown_by([&] { read_file(folder / "missing"); }).code, ErrorCode::NotFound);
  EXPECT_EQ(thrown_by([&] { read_file(folder / "missing/below"); }).code, ErrorCode::NotFound);
}

TEST(File, FolderIsNoFile) {
  const TemporaryFolder folder;
  EXPECT_EQ(thrown_by([&] { MappedFile::open(folder.path()); }).code, ErrorCode::InvalidArgument);
  EXPECT_EQ(thrown_by([&] { read_file(folder.path()); }).code, ErrorCode::InvalidArgument);
  EXPECT_EQ(thrown_by([&] { write_file(folder / "missing/a", ""); }).code, ErrorCode::NotFound);
}

TEST(File, LimitIsForWholeFiles) {
  const TemporaryFolder folder;
  write_file(folder / "a", "12345");
  EXPECT_EQ(read_file(folder / "a", 5), "12345");
  EXPECT_EQ(thrown_by([&] { read_file(folder / "a", 4); }).code, ErrorCode::ResourceExhausted);
}

TEST(AtomicFile, ReplacesTheOldFileAtCommit) {
  const TemporaryFolder folder;
  write_file(folder / "a", "old");
  AtomicFile file(folder / "a");
  file.write("n");
  file.write("ew");
  EXPECT_EQ(read_file(folder / "a"), "old");
  file.commit();
  EXPECT_EQ(read_file(folder / "a"), "new");
  EXPECT_EQ(folder.listing(), "a");
}

TEST(AtomicFile, LeavesNothingWithoutCommit) {
  const TemporaryFolder folder;
  {
    AtomicFile(folder / "a").write("text");
  }
  EXPECT_EQ(folder.listing(), "");
}

TEST(AtomicFile, FullDiskKeepsTheOldFile) {
  const TemporaryFolder folder;
  write_file(folder / "a", "old");
  FailingDisk disk(3, ENOSPC);
  const FileSystemGuard guard(disk);
  const auto thrown = thrown_by([&] { write_file(folder / "a", "longer"); });
  EXPECT_EQ(thrown.code, ErrorCode::ResourceExhausted);
  EXPECT_THAT(thrown.message, HasSubstr((folder / "a").string()));
  EXPECT_EQ(read_file(folder / "a"), "old");
  EXPECT_EQ(folder.listing(), "a");
}

TEST(AtomicFile, FailingSyncOrRenameKeepsTheOldFile) {
  const TemporaryFolder folder;
  write_file(folder / "a", "old");
  FailingDisk disk(100, ENOSPC);
  const FileSystemGuard guard(disk);
  disk.sync_error = EIO;
  EXPECT_TRUE(thrown_by([&] { write_file(folder / "a", "new"); }).code.has_value());
  disk.sync_error = 0;
  disk.rename_error = EDQUOT;
  EXPECT_EQ(thrown_by([&] { write_file(folder / "a", "new"); }).code, ErrorCode::ResourceExhausted);
  EXPECT_EQ(read_file(folder / "a"), "old");
  EXPECT_EQ(folder.listing(), "a");
}

}  // namespace
}  // namespace cajal
