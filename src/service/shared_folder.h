// Models and texts of others that experiments are made with. They are not part of cajal: they lie
// in a folder beside it, which the environment variable CAJAL_SHARED names (default ../shared).
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace cajal {

/// Of build/PRESET/bin: build/PRESET, build, the source tree.
inline constexpr int kFoldersAbove = 3;

/// Where `what` ("models/capp-gpt2") lies: in $CAJAL_SHARED; without that in a folder `shared`
/// beside one of the three folders above the program's own, which finds the one beside the source
/// tree of build/PRESET/bin/cajal, or in ../shared. Throws NotFound saying what is missing where.
std::filesystem::path find_shared(std::string_view what);

/// "$CAJAL_SHARED/models/x" as find_shared("models/x"); any other path as it is.
std::string with_shared(const std::string& path);

/// What `cajal learn recipes/NAME.yaml` made, in the source tree that the program lies in. Throws
/// NotFound saying how to make it.
std::filesystem::path find_learned(std::string_view name);

}  // namespace cajal
