#include "dictionary/formats/output_folder.h"

#include <unistd.h>

#include "base/error.h"

namespace cajal {

namespace fs = std::filesystem;

OutputFolder::OutputFolder(fs::path folder, bool force)
    : folder_(std::move(folder)), writing_(folder_) {
  check(!folder_.empty(), "the folder to write to has no name");
  if (fs::exists(folder_)) {
    check(fs::is_directory(folder_), "{}: is there already, and is no folder", folder_.string());
    check(force || fs::is_empty(folder_), "{}: is there already; --force writes into it",
          folder_.string());
    return;
  }
  writing_ += fmt::format(".tmp-{}", ::getpid());
  std::error_code error;
  fs::create_directory(writing_, error);
  if (error) {
    fail(ErrorCode::InvalidArgument, "{}: cannot be made: {}", folder_.string(), error.message());
  }
}

OutputFolder::~OutputFolder() {
  if (writing_ != folder_) {
    std::error_code ignored;
    fs::remove_all(writing_, ignored);
  }
}

fs::path OutputFolder::file(std::string_view name) {
  names_.emplace_back(name);
  const fs::path path = writing_ / name;
  fs::create_directories(path.parent_path());
  return path;
}

std::vector<fs::path> OutputFolder::commit() {
  if (writing_ != folder_) {
    std::error_code error;
    fs::rename(writing_, folder_, error);
    if (error) {
      fail(ErrorCode::ResourceExhausted, "{}: cannot be put in place: {}", folder_.string(),
           error.message());
    }
    writing_ = folder_;
  }
  std::vector<fs::path> out;
  out.reserve(names_.size());
  for (const fs::path& name : names_) {
    out.push_back(folder_ / name);
  }
  return out;
}

}  // namespace cajal
