#include "service/specimen.h"

#include <fmt/format.h>

#include "base/error.h"
#include "service/shared_folder.h"

namespace cajal {
namespace {

/// "a, b or c"
std::string listed(std::span<const std::filesystem::path> places) {
  std::string out;
  for (std::size_t i = 0; i < places.size(); ++i) {
    const char* between = i + 1 < places.size() ? ", " : " or ";
    out += fmt::format("{}{}", i == 0 ? "" : between, places[i].string());
  }
  return out;
}

/// For the program that runs; nullopt where that cannot be told.
std::optional<std::vector<std::filesystem::path>> places() {
  std::error_code error;
  const auto executable = std::filesystem::read_symlink("/proc/self/exe", error);
  return error ? std::nullopt : std::optional(specimen_places(executable));
}

/// What lies beside the specimen's model.
struct SpecimenPart {
  std::string_view path;
  std::string_view flag;   // names another
  std::string_view value;  // of the flag, as help calls it
  std::string_view making;
};

std::filesystem::path find_part(const SpecimenPart& part) {
  const auto all = places();
  const auto model = all ? first_model(*all) : std::nullopt;
  if (!model) {
    fail(ErrorCode::NotFound,
         "no {} was given, and there is no specimen to take it from: give {} {}", part.flag,
         part.flag, part.value);
  }
  std::filesystem::path out = model->parent_path() / part.path;
  if (std::error_code error; !std::filesystem::exists(out, error)) {
    fail(ErrorCode::NotFound,
         "no {} was given, and the specimen has none at {}: make it with {}, or give {} {}",
         part.flag, out.string(), part.making, part.flag, part.value);
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
  const auto all = places();
  check(all.has_value(),
        "no model was given, and /proc, which tells where cajal and so the specimen lies, "
        "cannot be read: name a model with -m MODEL");
  if (auto found = first_model(*all)) {
    return *found;
  }
  fail(ErrorCode::NotFound,
       "no model was given, and there is no specimen in {}: grow it with cajal grow "
       "specimen/recipe.yaml, or name a model with -m MODEL",
       listed(*all));
}

std::filesystem::path find_specimen_dictionary() {
  return find_part({.path = "transcoders",
                    .flag = "-d",
                    .value = "DICTIONARY",
                    .making = "cajal learn specimen/transcoders.yaml"});
}

std::filesystem::path find_specimen_atlas() {
  return find_part({.path = "atlas/atlas.sqlite",
                    .flag = "--atlas",
                    .value = "FILE",
                    .making = "cajal atlas --world -o specimen/atlas/atlas.sqlite"});
}

}  // namespace cajal
