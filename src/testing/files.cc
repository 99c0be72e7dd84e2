#include "testing/files.h"

#include <algorithm>
#include <cstdlib>
#include <set>

namespace cajal::testing {

namespace fs = std::filesystem;

TemporaryFolder::TemporaryFolder() {
  std::string name = (fs::temp_directory_path() / "cajal-test.XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) {
    fail(ErrorCode::ResourceExhausted, "{}: cannot create a folder", name);
  }
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

std::string TemporaryFolder::listing() const {
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(path_)) {
    names.insert(entry.path().filename().string());
  }
  std::string out;
  for (const std::string& name : names) {
    out += (out.empty() ? "" : " ") + name;
  }
  return out;
}

int FailingDisk::write(int descriptor, std::span<const std::byte> bytes) {
  const std::size_t fits = std::min(room_, bytes.size());
  room_ -= fits;
  const int error = FileSystem::write(descriptor, bytes.first(fits));
  return error != 0 ? error : fits < bytes.size() ? error_ : 0;
}

int FailingDisk::sync(int descriptor) {
  return sync_error != 0 ? sync_error : FileSystem::sync(descriptor);
}

int FailingDisk::rename(const fs::path& from, const fs::path& to) {
  return rename_error != 0 ? rename_error : FileSystem::rename(from, to);
}

std::ostream& operator<<(std::ostream& out, const Thrown& thrown) {
  return out << (thrown.code ? static_cast<int>(*thrown.code) : -1) << ": " << thrown.message;
}

}  // namespace cajal::testing
