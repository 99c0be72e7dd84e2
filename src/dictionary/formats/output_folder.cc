#include "dictionary/formats/output_folder.h"

#include <unistd.h>

#include "base/error.h"

namespace cajal {

namespace fs = std::filesystem;

namespace {

/// "layer_12", with `stem` "layer_".
bool is_numbered(std::string_view name, std::string_view stem) {
  return name.size() > stem.size() && name.starts_with(stem) &&
         name.find_first_not_of("0123456789", stem.size()) == std::string_view::npos;
}

/// Whether a dictionary in one of the layouts that are written here has a file of weights of this
/// name, relative to its folder.
bool is_shard(const fs::path& name) {
  const std::string stem = name.stem().string();
  const fs::path above = name.parent_path();
  if (name.extension() != ".safetensors") {
    return false;
  }
  if (stem == "sae_weights") {
    return above.empty() || is_numbered(above.string(), "layer_");
  }
  return above.empty() && (is_numbered(stem, "layer_") || is_numbered(stem, "W_enc_") ||
                           is_numbered(stem, "W_dec_"));
}

std::vector<fs::path> shards_in(const fs::path& folder) {
  std::vector<fs::path> out;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const fs::path name = entry.path().filename();
    for (const fs::path& one : {name, name / "sae_weights.safetensors"}) {
      if (is_shard(one) && fs::is_regular_file(folder / one)) {
        out.push_back(one);
      }
    }
  }
  return out;
}

}  // namespace

OutputFolder::OutputFolder(fs::path folder, bool force) : folder_(std::move(folder)) {
  if (!folder_.has_filename()) {  // "out/"
    folder_ = folder_.parent_path();
  }
  check(!folder_.empty(), "the folder to write to has no name");
  if (fs::exists(folder_)) {
    check(fs::is_directory(folder_), "{}: is there already, and is no folder", folder_.string());
    check(force || fs::is_empty(folder_), "{}: is there already; --force writes into it",
          folder_.string());
    was_there_ = true;
  }
  const std::string temporary = fmt::format(".tmp-{}", ::getpid());
  writing_ = was_there_ ? folder_ / temporary : fs::path(folder_.string() + temporary);
  std::error_code error;
  fs::create_directory(writing_, error);
  if (error) {
    fail(ErrorCode::InvalidArgument, "{}: cannot be {}: {}", folder_.string(),
         was_there_ ? "written into" : "made", error.message());
  }
}

OutputFolder::~OutputFolder() {
  std::error_code ignored;
  fs::remove_all(writing_, ignored);
}

fs::path OutputFolder::file(std::string_view name) {
  names_.emplace_back(name);
  const fs::path path = writing_ / name;
  fs::create_directories(path.parent_path());
  return path;
}

void OutputFolder::replace_files() const {
  for (const fs::path& shard : shards_in(folder_)) {
    fs::remove(folder_ / shard);
  }
  for (const fs::path& name : names_) {
    fs::create_directories((folder_ / name).parent_path());
    fs::rename(writing_ / name, folder_ / name);
  }
}

std::vector<fs::path> OutputFolder::commit() {
  try {
    was_there_ ? replace_files() : fs::rename(writing_, folder_);
  } catch (const fs::filesystem_error& error) {
    fail(ErrorCode::ResourceExhausted, "{}: cannot be put in place: {}", folder_.string(),
         error.code().message());
  }
  std::vector<fs::path> out;
  out.reserve(names_.size());
  for (const fs::path& name : names_) {
    out.push_back(folder_ / name);
  }
  return out;
}

}  // namespace cajal
