#include "service/shared_folder.h"

#include <cstdlib>
#include <vector>

#include <fmt/format.h>

#include "base/error.h"

namespace cajal {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kVariable = "$CAJAL_SHARED/";

bool is_there(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error);
}

/// The folders above the program's own, nearest first; none where that cannot be told.
std::vector<fs::path> folders_above() {
  std::error_code error;
  fs::path folder = fs::read_symlink("/proc/self/exe", error).parent_path();
  std::vector<fs::path> out;
  for (int i = 0; !error && i < kFoldersAbove && folder != folder.parent_path(); ++i) {
    folder = folder.parent_path();
    out.push_back(folder);
  }
  return out;
}

}  // namespace

fs::path find_shared(std::string_view what) {
  std::vector<fs::path> places;
  if (const char* given = std::getenv("CAJAL_SHARED"); given != nullptr && *given != '\0') {
    places.emplace_back(given);
  } else {
    for (const fs::path& above : folders_above()) {
      places.push_back(above.parent_path() / "shared");
    }
    places.push_back(fs::path("..") / "shared");
  }
  for (const fs::path& place : places) {
    if (is_there(place / what)) {
      return place / what;
    }
  }
  fail(ErrorCode::NotFound,
       "there is no {} in {}: it is not part of cajal; name the folder that holds it in the "
       "environment variable CAJAL_SHARED",
       what, places.back().string());
}

std::string with_shared(const std::string& path) {
  return path.starts_with(kVariable) ? find_shared(path.substr(kVariable.size())).string() : path;
}

fs::path find_learned(std::string_view name) {
  fs::path folder = fs::path("recipes") / name;
  for (const fs::path& above : folders_above()) {
    if (is_there(above / "recipes" / fmt::format("{}.yaml", name))) {
      folder = above / "recipes" / name;
    }
  }
  if (!is_there(folder / "config.yaml")) {
    fail(ErrorCode::NotFound,
         "there is no dictionary in {}: learn it with cajal learn recipes/{}.yaml, or give one "
         "with -d",
         folder.string(), name);
  }
  return folder;
}

}  // namespace cajal
