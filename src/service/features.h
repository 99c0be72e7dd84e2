// What a feature is, from an atlas; and which features fire on a text.
#pragma once

#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "service/options.h"
#include "service/session.h"
#include "store/atlas_store.h"

namespace cajal {

/// Exactly one of feature, text, search, like and front_end.
struct FeaturesRequest : ModelOptions {
  std::string atlas;                   // file; empty: the specimen's
  std::optional<std::string> feature;  // "L:F", layer of the model and number
  std::string text;                    // features that fire on it
  std::string search;                  // words in labels and examples
  std::string like;                    // "L:F"
  std::string front_end;               // folder for files of circuit-tracer's front end
  std::string dictionary;              // for text
  std::size_t top = 10;
  bool all = false;  // with text: special tokens and dense features, too
  bool trust = false;
};

const FieldTable<FeaturesRequest>& features_fields();

/// Throws InvalidArgument unless the request is for one thing.
void check_features(const FeaturesRequest& request);

/// "L:F". Throws InvalidArgument for another form, NotFound if the atlas has no such layer.
FeatureId parse_feature(std::string_view text, const AtlasStore& atlas);
/// "L:F", of the model's layer.
std::string name_of(FeatureId id, const AtlasStore& atlas);

/// A feature that fires on a text.
struct FiringFeature {
  FeatureId id;
  float activation = 0.0F;
  std::size_t token = 0;  // where it fires most
};

struct TextFeatures {
  std::vector<std::string> pieces;                 // as the vocabulary spells them
  std::vector<std::string> texts;                  // as a reader sees them
  std::vector<std::vector<FiringFeature>> tokens;  // strongest first, `top` of each
  std::vector<FiringFeature> overall;              // each feature once
};

/// Reads the text with model and dictionary, which must be those of the atlas. Strongest is the
/// largest |activation|.
TextFeatures features_of_text(Session& session, const AtlasStore& atlas,
                              const FeaturesRequest& request, const std::stop_token& cancel = {});

/// Features whose label has all words of a text, then those whose examples have, near the token
/// that fires.
std::vector<FeatureId> search_features(const AtlasStore& atlas, std::string_view text,
                                       std::size_t most);

/// How a feature's page is shown.
std::string text_of(const FeaturePage& page, const AtlasStore& atlas, std::size_t examples);
Json to_json(const FeaturePage& page, const AtlasStore& atlas);
Json to_json(const TextFeatures& features, const AtlasStore& atlas);
/// [{"feature", "label", "how", "density"}]
Json list_json(const std::vector<FeatureId>& ids, const AtlasStore& atlas);

/// FOLDER/features/SCAN/N.json for each feature that fires, N the Cantor pairing of layer and
/// feature, as circuit-tracer's front end asks for them. Returns how many.
std::size_t write_front_end(const AtlasStore& atlas, const std::filesystem::path& folder,
                            const std::string& scan);

}  // namespace cajal
