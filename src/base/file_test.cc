#include "base/file.h"

#include <cerrno>
#include <fstream>
#include <sys/stat.h>
#include <thread>

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

TEST(File, PipeIsReadOnlyAsAStream) {
  const TemporaryFolder folder;
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(thrown_by([&] { MappedFile::open(folder / "pipe"); }).code, ErrorCode::InvalidArgument);
  EXPECT_EQ(thrown_by([&] { read_file(folder / "pipe"); }).code, ErrorCode::InvalidArgument);
  std::thread writer([&] { std::ofstream(folder / "pipe") << "some text"; });
  EXPECT_EQ(read_stream(folder / "pipe"), "some text");
  writer.join();
}

TEST(File, StreamMayBeAFileButNoFolder) {
  const TemporaryFolder folder;
  write_file(folder / "a", "12345");
  EXPECT_EQ(read_stream(folder / "a"), "12345");
  EXPECT_EQ(thrown_by([&] { read_stream(folder / "a", 4); }).code, ErrorCode::ResourceExhausted);
  EXPECT_EQ(thrown_by([&] { read_stream(folder.path()); }).code, ErrorCode::InvalidArgument);
}

TEST(AtomicFile, ReplacesNothingButFiles) {
  const TemporaryFolder folder;
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  std::filesystem::create_directory(folder / "sub");
  std::filesystem::create_symlink("pipe", folder / "link");
  for (const char* name : {"pipe", "sub", "link"}) {
    EXPECT_EQ(thrown_by([&] { write_file(folder / name, "text"); }).code,
              ErrorCode::InvalidArgument);
  }
  EXPECT_TRUE(std::filesystem::is_fifo(folder / "pipe"));
  EXPECT_EQ(folder.listing(), "link pipe sub");
}

TEST(AtomicFile, FollowsLinksAndKeepsThem) {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder / "sub");
  std::filesystem::create_symlink("sub/b", folder / "a");
  std::filesystem::create_symlink(folder / "sub" / "c", folder / "sub" / "b");
  write_file(folder / "a", "new");  // what the links lead to is not there yet
  write_file(folder / "a", "newer");
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "a"));
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "sub" / "b"));
  EXPECT_EQ(read_file(folder / "sub" / "c"), "newer");
  EXPECT_EQ(folder.listing(), "a sub");
}

TEST(AtomicFile, HonoursTheUmaskAndKeepsPermissions) {
  const TemporaryFolder folder;
  const mode_t before = ::umask(027);
  write_file(folder / "a", "");
  ::umask(before);
  const auto permissions = [&] {
    return static_cast<unsigned>(std::filesystem::status(folder / "a").permissions());
  };
  EXPECT_EQ(permissions(), 0640U);
  std::filesystem::permissions(folder / "a", std::filesystem::perms{0604});
  write_file(folder / "a", "");
  EXPECT_EQ(permissions(), 0604U);
}

TEST(AtomicFile, CanBeRemovedByAProgramThatEnds) {
  const TemporaryFolder folder;
  AtomicFile first(folder / "a");
  const AtomicFile second(folder / "b");
  first.commit();
  remove_temporary_files();
  EXPECT_EQ(folder.listing(), "a");
}

TEST(RemoveLeftOvers, TakesAwayOnlyWhatProcessesLeftThatAreNoMore) {
  const TemporaryFolder folder;
  const AtomicFile mine(folder / "a");
  const std::string of_mine = folder.listing();
  for (const char* name : {".b.999999999-3", ".b.x-3", ".c", "d.999999999-3"}) {
    write_file(folder / name, "");
  }
  remove_left_overs(folder.path());
  EXPECT_EQ(folder.listing(), of_mine + " .b.x-3 .c d.999999999-3");
  remove_left_overs(folder / "none");
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
