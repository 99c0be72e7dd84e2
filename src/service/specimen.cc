#include "service/specimen.h"

#include <fmt/format.h>

#include "base/error.h"

namespace cajal {
namespace {

constexpr int kFoldersAbove = 3;  // of build/PRESET/bin: build/PRESET, build, the source tree

/// "a, b or c"
std::string listed(std::span<const std::filesystem::path> places) {
  std::string out;
  for (std::size_t i = 0; i < places.size(); ++i) {
    const char* between = i + 1 < places.size() ? ", " : " or ";
    out += fmt::format("{}{}", i == 0 ? "" : between, places[i].string());
  }
  return out;
}

}  // namespace

std::vector<std::filesystem::path> specimen_places(const std::filesystem::path& executable) {
  const std::filesystem::path folder = executable.parent_path();
  std::vector<std::filesystem::path> out = {folder.parent_path() / "share" / "cajal" / "specimen" /
                                            "model"};
  std::filesystem::path above = folder;
  for (int i = 0; i < kFoldersAbove && above != above.parent_path(); ++i) {
    above = above.parent_path();
    out.push_back(above / "specimen" / "model");
  }
  return out;
}

std::optional<std::filesystem::path> first_model(std::span<const std::filesystem::path> places) {
  for (const std::filesystem::path& place : places) {
    std::error_code error;
    if (std::filesystem::is_regular_file(place / "config.json", error)) {
      return place;
    }
  }
  return std::nullopt;
}

std::filesystem::path find_specimen() {
  std::error_code error;
  const auto executable = std::filesystem::read_symlink("/proc/self/exe", error);
  check(!error,
        "no model was given, and /proc, which tells where cajal and so the specimen lies, "
        "cannot be read: name a model with -m MODEL");
  const auto places = specimen_places(executable);
  if (auto found = first_model(places)) {
    return *found;
  }
  fail(ErrorCode::NotFound,
       "no model was given, and there is no specimen in {}: grow it with cajal grow "
       "specimen/recipe.yaml, or name a model with -m MODEL",
       listed(places));
}

}  // namespace cajal
