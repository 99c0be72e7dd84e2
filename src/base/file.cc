#include "base/file.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <mutex>
#include <optional>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

#include "base/error.h"

namespace cajal {
namespace {

FileSystem real_file_system;
FileSystem* current_file_system = &real_file_system;

/// A descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) {
      ::close(fd_);
    }
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

[[noreturn]] void fail_errno(const std::filesystem::path& path, int error, std::string_view doing) {
  const ErrorCode code = error == ENOENT || error == ENOTDIR ? ErrorCode::NotFound
                         : error == ENOSPC || error == EDQUOT || error == EMFILE || error == ENOMEM
                             ? ErrorCode::ResourceExhausted
                             : ErrorCode::InvalidArgument;
  fail(code, "{}: cannot {}: {}", path.string(), doing, std::strerror(error));
}

/// With O_NONBLOCK among `flags` a pipe does not wait for its writer; regular files know no
/// difference.
int open_to_read(const std::filesystem::path& path, int flags = O_NONBLOCK) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | flags);
  if (fd < 0) {
    fail_errno(path, errno, "open");
  }
  return fd;
}

/// Size of a regular file; anything else (a folder, a pipe) is an error.
std::size_t regular_size(int fd, const std::filesystem::path& path) {
  struct stat info{};
  if (::fstat(fd, &info) != 0) {
    fail_errno(path, errno, "read");
  }
  if (!S_ISREG(info.st_mode)) {
    fail(ErrorCode::InvalidArgument, "{}: is not a regular file; give the path of a file",
         path.string());
  }
  return static_cast<std::size_t>(info.st_size);
}

/// Reads up to `most` bytes behind those of `text`; false at the end.
bool read_more(int fd, const std::filesystem::path& path, std::size_t most, std::string& text) {
  const std::size_t before = text.size();
  text.resize(before + most);
  ssize_t n = -1;
  do {
    n = ::read(fd, text.data() + before, most);
  } while (n < 0 && errno == EINTR);
  if (n < 0) {
    fail_errno(path, errno, "read");
  }
  text.resize(before + static_cast<std::size_t>(n));
  return n != 0;
}

[[noreturn]] void fail_size(const std::filesystem::path& path, const std::string& size,
                            std::uint64_t limit) {
  fail(ErrorCode::ResourceExhausted, "{}: has {} bytes, more than the {} that are read here",
       path.string(), size, limit);
}

/// Where a chain of links ends, whether something is there or not.
std::filesystem::path follow_links(const std::filesystem::path& path) {
  constexpr int kMostLinks = 40;  // as Linux has it
  std::filesystem::path out = path;
  std::error_code error;
  for (int i = 0; std::filesystem::is_symlink(std::filesystem::symlink_status(out, error)); ++i) {
    check(i < kMostLinks, "{}: is a chain of links without end; name a file", path.string());
    out = out.parent_path() / std::filesystem::read_symlink(out, error);  // as it is if absolute
  }
  return out;
}

/// Permissions of the regular file there; nullopt if there is nothing.
std::optional<mode_t> mode_to_keep(const std::filesystem::path& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) {
    return std::nullopt;
  }
  check(S_ISREG(info.st_mode), "{}: is {}, which cannot be replaced; name a file", path.string(),
        S_ISDIR(info.st_mode) ? "a folder" : "no regular file but a pipe or a device");
  return info.st_mode & 0777U;
}

/// The temporary files that there are now. The lock also covers their creation and removal, so
/// that none is missed.
struct Temporaries {
  std::mutex lock;
  std::vector<std::string> paths;
};

Temporaries& temporaries() {
  static Temporaries all;
  return all;
}

/// Opens a new file beside `target`; its name is in `name`. -1 and errno if that fails.
int create_beside(const std::filesystem::path& target, std::string& name) {
  constexpr int kMostTries = 1000;
  static unsigned counter = 0;  // under the lock
  Temporaries& all = temporaries();
  const std::lock_guard guard(all.lock);
  for (int i = 0; i < kMostTries; ++i) {
    const std::string file =
        fmt::format(".{}.{}-{}", target.filename().string(), ::getpid(), counter++);
    name = (target.parent_path() / file).string();
    const int fd = ::open(name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd >= 0) {
      all.paths.push_back(name);
    }
    if (fd >= 0 || errno != EEXIST) {
      return fd;
    }
  }
  return -1;
}

/// The process that an AtomicFile named this temporary file for; nullopt for any other file.
std::optional<pid_t> owner_of(const std::string& name) {
  const std::size_t dash = name.rfind('-');
  const std::size_t dot = name.rfind('.');
  if (!name.starts_with('.') || dash == std::string::npos || dot == 0 || dot > dash) {
    return std::nullopt;
  }
  const auto is_number = [](std::string_view text) {
    return !text.empty() && text.size() < 10 &&
           text.find_first_not_of("0123456789") == std::string_view::npos;
  };
  const std::string process = name.substr(dot + 1, dash - dot - 1);
  if (!is_number(process) || !is_number(std::string_view(name).substr(dash + 1))) {
    return std::nullopt;
  }
  return static_cast<pid_t>(std::stol(process));
}

void forget(const std::string& name) {
  Temporaries& all = temporaries();
  const std::lock_guard guard(all.lock);
  all.paths.erase(std::remove(all.paths.begin(), all.paths.end(), name), all.paths.end());
}

void sync_folder(const std::filesystem::path& folder) {
  const Descriptor fd(::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY));
  if (fd.get() >= 0) {
    ::fsync(fd.get());  // a file system that cannot sync folders is no reason to fail
  }
}

}  // namespace

int FileSystem::write(int descriptor, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(descriptor, bytes.data(), bytes.size());
    if (n < 0 && errno != EINTR) {
      return errno;
    }
    bytes = bytes.subspan(n < 0 ? 0 : static_cast<std::size_t>(n));
  }
  return 0;
}

int FileSystem::sync(int descriptor) {
  return ::fsync(descriptor) == 0 ? 0 : errno;
}

int FileSystem::rename(const std::filesystem::path& from, const std::filesystem::path& to) {
  return std::rename(from.c_str(), to.c_str()) == 0 ? 0 : errno;
}

FileSystem& file_system() noexcept {
  return *current_file_system;
}

FileSystemGuard::FileSystemGuard(FileSystem& replacement) noexcept
    : previous_(current_file_system) {
  current_file_system = &replacement;
}

FileSystemGuard::~FileSystemGuard() {
  current_file_system = previous_;
}

std::shared_ptr<const MappedFile> MappedFile::open(const std::filesystem::path& path) {
  const Descriptor fd(open_to_read(path));
  const std::size_t size = regular_size(fd.get(), path);
  std::span<const std::byte> bytes;
  if (size != 0) {
    void* memory = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd.get(), 0);
    if (memory == MAP_FAILED) {
      fail_errno(path, errno, "map into memory");
    }
    bytes = {static_cast<const std::byte*>(memory), size};
  }
  return std::shared_ptr<const MappedFile>(new MappedFile(bytes, path));
}

MappedFile::MappedFile(std::span<const std::byte> bytes, std::filesystem::path path)
    : bytes_(bytes), path_(std::move(path)) {}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) {
    ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());  // NOLINT: munmap takes void*
  }
}

void give_back_pages(std::span<const std::byte> bytes) noexcept {
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto begin = (reinterpret_cast<std::uintptr_t>(bytes.data()) + page - 1) / page * page;
  const auto end = (reinterpret_cast<std::uintptr_t>(bytes.data()) + bytes.size()) / page * page;
  if (begin < end) {
    ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);  // NOLINT: an address
  }
}

std::string read_file(const std::filesystem::path& path, std::uint64_t limit) {
  const Descriptor fd(open_to_read(path));
  const std::size_t size = regular_size(fd.get(), path);
  if (size > limit) {
    fail_size(path, fmt::format("{}", size), limit);
  }
  std::string text;
  text.reserve(size);
  while (text.size() < size && read_more(fd.get(), path, size - text.size(), text)) {
  }
  return text;
}

std::string read_stream(const std::filesystem::path& path, std::uint64_t limit) {
  constexpr std::size_t kChunk = std::size_t{1} << 16U;
  const Descriptor fd(open_to_read(path, 0));
  std::string text;
  while (read_more(fd.get(), path, kChunk, text)) {
    if (text.size() > limit) {
      fail_size(path, fmt::format("at least {}", text.size()), limit);
    }
  }
  return text;
}

void check_replaceable(const std::filesystem::path& path) {
  mode_to_keep(path);
}

void remove_left_overs(const std::filesystem::path& folder) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    const std::optional<pid_t> owner = owner_of(entry.path().filename().string());
    if (owner && ::kill(*owner, 0) != 0 && errno == ESRCH) {
      std::filesystem::remove(entry.path(), error);
    }
  }
}

void remove_temporary_files() noexcept {
  Temporaries& all = temporaries();
  const std::lock_guard guard(all.lock);
  for (const std::string& path : all.paths) {
    ::unlink(path.c_str());
  }
}

AtomicFile::AtomicFile(std::filesystem::path path)
    : path_(std::move(path)), target_(follow_links(path_)) {
  const std::optional<mode_t> mode = mode_to_keep(path_);
  std::string name;
  descriptor_ = create_beside(target_, name);
  if (descriptor_ < 0) {
    fail_errno(path_, errno, "create a file in its folder");
  }
  temporary_ = name;
  if (mode) {
    ::fchmod(descriptor_, *mode);
  }
}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) {
    ::close(descriptor_);
    ::unlink(temporary_.c_str());
    forget(temporary_.string());
  }
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  if (const int error = file_system().write(descriptor_, bytes); error != 0) {
    fail_errno(path_, error, "write");
  }
}

void AtomicFile::write(std::string_view text) {
  write(std::as_bytes(std::span(text.data(), text.size())));
}

void AtomicFile::commit() {
  if (const int error = file_system().sync(descriptor_); error != 0) {
    fail_errno(path_, error, "write");
  }
  if (const int error = file_system().rename(temporary_, target_); error != 0) {
    fail_errno(path_, error, "replace");
  }
  forget(temporary_.string());
  ::close(descriptor_);
  descriptor_ = -1;
  sync_folder(target_.parent_path());
}

void write_file(const std::filesystem::path& path, std::string_view text) {
  AtomicFile file(path);
  file.write(text);
  file.commit();
}

}  // namespace cajal
