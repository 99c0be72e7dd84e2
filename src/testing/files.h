// What tests of files share: a folder that goes away, disks that fail, and errors as values.
#pragma once

#include <filesystem>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/file.h"

namespace cajal::testing {

/// A new folder under the system's temporary one; removed with all it holds.
class TemporaryFolder {
 public:
  TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder();

  const std::filesystem::path& path() const noexcept { return path_; }
  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }
  /// Names of what is in it, sorted, one space between them.
  std::string listing() const;

 private:
  std::filesystem::path path_;
};

/// A disk that takes `room` bytes and then fails every write with `error` (an errno); sync and
/// rename fail with what is set for them, 0 for success.
class FailingDisk final : public FileSystem {
 public:
  explicit FailingDisk(std::size_t room, int error) : room_(room), error_(error) {}
  int write(int descriptor, std::span<const std::byte> bytes) override;
  int sync(int descriptor) override;
  int rename(const std::filesystem::path& from, const std::filesystem::path& to) override;

  int sync_error = 0;
  int rename_error = 0;

 private:
  std::size_t room_;
  int error_;
};

/// What an action threw; without a code it threw no Error.
struct Thrown {
  std::optional<ErrorCode> code;
  std::string message;
};
std::ostream& operator<<(std::ostream& out, const Thrown& thrown);

template <typename Action>
Thrown thrown_by(const Action& action) {
  try {
    action();
  } catch (const Error& error) {
    return {error.code(), error.what()};
  }
  return {};
}

}  // namespace cajal::testing
