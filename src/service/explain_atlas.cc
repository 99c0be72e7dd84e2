#include "service/explain_atlas.h"

#include <algorithm>
#include <filesystem>

#include "base/error.h"
#include "service/open_atlas.h"
#include "service/specimen.h"
#include "service/target_token.h"
#include "service/verify.h"

namespace cajal {
namespace {

constexpr std::size_t kBefore = 8;  // tokens around an example
constexpr std::size_t kAfter = 5;

/// The token where the feature fires most and its neighbours that fire it too, with some text
/// around.
ChartExample example_of(const AtlasStore& atlas, const Session& session,
                        const FeatureExample& example) {
  const AtlasSequence sequence = atlas.sequence(example.sequence);
  const std::size_t size = sequence.tokens.size();
  check(example.token < size, "the atlas has an example at token {} of a text of {}", example.token,
        size);
  const auto fires = [&](std::size_t t) {
    return t == example.token || std::any_of(example.firing.begin(), example.firing.end(),
                                             [t](const auto& firing) { return firing.first == t; });
  };
  std::size_t first = example.token;
  std::size_t last = example.token;
  while (first > 0 && fires(first - 1)) {
    --first;
  }
  while (last + 1 < size && fires(last + 1)) {
    ++last;
  }
  const auto text = [&](std::size_t begin, std::size_t end) {
    std::string out;
    for (std::size_t t = begin; t < end; ++t) {
      const TokenId id = sequence.tokens[t];
      const bool special = session.tokenizer != nullptr && session.tokenizer->is_special(id);
      out += special ? "" : atlas.piece(id);
    }
    return out;
  };
  return {.before = text(first - std::min(first, kBefore), first),
          .firing = text(first, last + 1),
          .after = text(last + 1, std::min(size, last + 1 + kAfter))};
}

/// An open atlas cannot be moved: it is opened where it stays.
struct HeldAtlas {
  explicit HeldAtlas(const std::string& path) : opened(open_atlas(path)) {}
  OpenedAtlas opened;
};

AtlasView view_of(const std::shared_ptr<const HeldAtlas>& atlas, const Session& session) {
  return {.page = [atlas](FeatureId id) { return atlas->opened.atlas.page(id); },
          .piece = [&session](TokenId id) { return text_of_token(session, id); },
          .example =
              [atlas, &session](const FeatureExample& example) {
                return example_of(atlas->opened.atlas, session, example);
              }};
}

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
    out.view = view_of(atlas, session);
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
