// The model that ships with cajal, its dictionary and its atlas, which commands take when no -m, -d
// or --atlas is given.
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace cajal {

/// What results call it that were made with it because no model was named.
inline constexpr std::string_view kSpecimen = "specimen";

/// Where the specimen's model may lie for a program at `executable`:
/// PREFIX/share/cajal/specimen/model of an installed PREFIX/bin/cajal, then specimen/model in one
/// of the three folders above the program's own, which finds the source tree of
/// build/PRESET/bin/cajal.
std::vector<std::filesystem::path> specimen_places(const std::filesystem::path& executable);

/// The first of `places` that holds a config.json; nullopt if none does.
std::optional<std::filesystem::path> first_model(std::span<const std::filesystem::path> places);

/// For the program that runs. Throws NotFound saying where was looked and what to do.
std::filesystem::path find_specimen();

/// The specimen's own transcoders, beside its model. Throws as find_specimen().
std::filesystem::path find_specimen_dictionary();
/// The atlas of these. Throws as find_specimen().
std::filesystem::path find_specimen_atlas();

}  // namespace cajal
