// An atlas as a command's --atlas names it, or the specimen's.
#pragma once

#include <string>
#include <vector>

#include "service/provenance.h"
#include "store/atlas_store.h"

namespace cajal {

struct OpenedAtlas {
  AtlasStore atlas;
  std::vector<std::string> notes;  // one sentence each, for the user
};

/// The atlas file at `path`; the specimen's, with a note that says so, if it is empty. Throws
/// NotFound saying where was looked, and what AtlasStore throws.
OpenedAtlas open_atlas(const std::string& path);

/// Throws InvalidArgument if the atlas was made with another model or dictionary than `provenance`
/// names by their hashes: its labels would be those of other features.
void check_atlas_is_of(const AtlasStore& atlas, const Provenance& provenance);

}  // namespace cajal
