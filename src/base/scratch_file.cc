#include "base/scratch_file.h"

#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <string>
#include <sys/mman.h>
#include <system_error>
#include <unistd.h>

#include "base/error.h"

namespace cajal {
namespace {

[[noreturn]] void fail_scratch(const std::filesystem::path& folder, std::size_t bytes, int error) {
  fail(
      error == ENOENT || error == ENOTDIR ? ErrorCode::NotFound : ErrorCode::ResourceExhausted,
      "{}: cannot keep {:.1f} GB of numbers there that are too many for the memory: {}; set TMPDIR "
      "to a folder with room",
      folder.string(), static_cast<double>(bytes) / 1e9, std::generic_category().message(error));
}

int open_unnamed(const std::filesystem::path& folder) {
  std::string name = (folder / "cajal-XXXXXX").string();
  const int descriptor = ::mkostemp(name.data(), O_CLOEXEC);
  if (descriptor >= 0) {
    ::unlink(name.c_str());
  }
  return descriptor;
}

}  // namespace

std::filesystem::path scratch_folder() {
  const char* folder = std::getenv("TMPDIR");
  return folder == nullptr || *folder == '\0' ? "/tmp" : folder;
}

ScratchFile::ScratchFile(const std::filesystem::path& folder, std::size_t bytes)
    : folder_(folder), descriptor_(open_unnamed(folder)) {
  if (descriptor_ < 0) {
    fail_scratch(folder, bytes, errno);
  }
  try {
    grow(bytes);
  } catch (const Error&) {
    ::close(descriptor_);
    throw;
  }
}

ScratchFile::~ScratchFile() {
  if (!bytes_.empty()) {
    ::munmap(bytes_.data(), bytes_.size());
  }
  ::close(descriptor_);
}

void ScratchFile::grow(std::size_t bytes) {
  if (bytes <= bytes_.size()) {
    return;
  }
  const auto begin = static_cast<off_t>(bytes_.size());
  const off_t more = static_cast<off_t>(bytes) - begin;
  int error = 0;
  do {
    error = ::posix_fallocate(descriptor_, begin, more);
  } while (error == EINTR);
  if (error != 0) {
    fail_scratch(folder_, bytes, error);
  }
  void* memory = bytes_.empty()
                     ? ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor_, 0)
                     : ::mremap(bytes_.data(), bytes_.size(), bytes, MREMAP_MAYMOVE);
  if (memory == MAP_FAILED) {
    fail_scratch(folder_, bytes, errno);
  }
  bytes_ = {static_cast<std::byte*>(memory), bytes};
}

}  // namespace cajal
