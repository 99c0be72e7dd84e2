#include "service/open_atlas.h"

#include <fmt/format.h>

#include "base/error.h"
#include "service/specimen.h"

namespace cajal {
namespace {

void check_same(const AtlasStore& atlas, const char* key, const std::string& hash,
                std::string_view what) {
  const auto of_atlas = atlas.meta(key);
  check(!of_atlas || of_atlas->empty() || hash.empty() || *of_atlas == hash,
        "the atlas was made with another {} (hash {}, not {}); build it again with cajal atlas, or "
        "name the right one with --atlas FILE",
        what, of_atlas.value_or(""), hash);
}

}  // namespace

OpenedAtlas open_atlas(const std::string& path) {
  if (!path.empty()) {
    return {AtlasStore(path), {}};
  }
  const std::string found = find_specimen_atlas().string();
  return {AtlasStore(found),
          {fmt::format("no --atlas was given: using the specimen's, {}", found)}};
}

void check_atlas_is_of(const AtlasStore& atlas, const Provenance& provenance) {
  check_same(atlas, "model_hash", provenance.model_hash, "model");
  check_same(atlas, "dictionary_hash", provenance.dictionary_hash, "dictionary");
}

}  // namespace cajal
