// The atlas that names ideas, as explain sees one.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "explain/atlas_view.h"
#include "service/provenance.h"
#include "service/session.h"

namespace cajal {

struct ExplainAtlas {
  std::string file;         // what the user may call it; empty: there is none
  std::string calibration;  // a sentence of how claims fared on many prompts; empty: not known
  AtlasView view;           // `session` must outlive it
  std::shared_ptr<const void> atlas;  // that the view looks into
  std::vector<std::string> notes;
};

/// The atlas at `path`; the specimen's where neither it nor a dictionary was named; else none, with
/// a note that says what that means. Throws what open_atlas and check_atlas_is_of throw; that the
/// specimen has none is a note, too. What charts cite is calibration.json beside the atlas.
ExplainAtlas open_explain_atlas(const Session& session, const std::string& dictionary,
                                const std::string& path, const Provenance& provenance);

}  // namespace cajal
