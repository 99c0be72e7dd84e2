// An atlas as one SQLite file: a row for each feature, each text that examples show once.
//
// Numbers of a feature lie in blobs, which are a few hundred bytes; what people look for (labels,
// densities) are columns. The file appears whole or not at all.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "atlas/atlas_builder.h"
#include "atlas/feature_page.h"

namespace cajal {

struct AtlasLayer {
  std::size_t layer = 0;  // of the model
  std::string input_point;
  std::string output_point;
  std::size_t features = 0;
};

/// Everything that an atlas file holds but the pages.
struct AtlasContents {
  std::vector<std::pair<std::string, std::string>> meta;  // "model", "model_hash", ...
  std::uint64_t tokens = 0;                               // that densities are over
  std::vector<AtlasLayer> layers;                         // by site
  std::map<std::uint64_t, AtlasSequence> sequences;       // that examples show
  std::map<TokenId, std::string> pieces;  // the bytes of each token that is shown somewhere
};

/// Writes the file, replacing one that is there. Throws what AtomicFile does, and
/// ResourceExhausted.
void write_atlas(const std::filesystem::path& path, const AtlasContents& contents,
                 std::span<const FeaturePage> pages);

/// An atlas file, open to read. Not for two threads at once.
class AtlasStore {
 public:
  /// Throws NotFound; CorruptData naming the file if it is no atlas or is damaged.
  explicit AtlasStore(const std::filesystem::path& path);
  ~AtlasStore();
  AtlasStore(const AtlasStore&) = delete;
  AtlasStore& operator=(const AtlasStore&) = delete;

  std::optional<std::string> meta(const std::string& key) const;
  std::uint64_t tokens() const noexcept { return tokens_; }
  const std::vector<AtlasLayer>& layers() const noexcept { return layers_; }
  /// The bytes of a token; empty if the atlas does not know it.
  std::string piece(TokenId token) const;
  /// nullopt if there is none.
  std::optional<FeaturePage> page(FeatureId id) const;
  /// Throws CorruptData if the file lacks it.
  AtlasSequence sequence(std::uint64_t number) const;
  /// In order; each visit gets a page. Stops where `visit` returns false.
  void visit(const std::function<bool(const FeaturePage&)>& visit) const;

 private:
  struct Database;
  std::unique_ptr<Database> database_;
  std::uint64_t tokens_ = 0;
  std::vector<AtlasLayer> layers_;
  std::map<TokenId, std::string> pieces_;
};

}  // namespace cajal
