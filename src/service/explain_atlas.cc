#include "service/explain_atlas.h"

#include <filesystem>

#include "base/error.h"
#include "service/atlas_view.h"
#include "service/open_atlas.h"
#include "service/specimen.h"
#include "service/verify.h"

namespace cajal {
namespace {

/// An open atlas cannot be moved: it is opened where it stays.
struct HeldAtlas {
  explicit HeldAtlas(const std::string& path) : opened(open_atlas(path)) {}
  OpenedAtlas opened;
};

}  // namespace

ExplainAtlas open_explain_atlas(const Session& session, const std::string& dictionary,
                                const std::string& path, const Provenance& provenance) {
  ExplainAtlas out;
  if (path.empty() && !dictionary.empty()) {
    out.notes.emplace_back(
        "no --atlas was given: ideas are named by where they stand, not by what they mean");
    return out;
  }
  try {
    const auto atlas = std::make_shared<const HeldAtlas>(path);
    check_atlas_is_of(atlas->opened.atlas, provenance);
    out.notes = atlas->opened.notes;
    out.file = path.empty() ? "the specimen's atlas" : path;
    out.view = view_of(atlas->opened.atlas, session);
    out.atlas = atlas;
    const std::filesystem::path file =
        path.empty() ? find_specimen_atlas() : std::filesystem::path(path);
    out.calibration =
        calibration_sentence(file.parent_path() / "calibration.json", provenance).value_or("");
  } catch (const Error& error) {
    if (!path.empty() || error.code() != ErrorCode::NotFound) {
      throw;
    }
    out.notes.emplace_back(error.what());
  }
  return out;
}

}  // namespace cajal
