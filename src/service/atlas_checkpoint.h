// What lets `cajal atlas` go on where it was stopped: a folder beside the atlas while it is built.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "activations/token_batches.h"
#include "atlas/atlas_builder.h"
#include "base/folder_lock.h"
#include "measure/truth_features.h"
#include "train/checkpoint_folder.h"
#include "train/grow.h"

namespace cajal {

/// How far an atlas has been read, and all that was gathered.
struct AtlasState {
  AtlasBuilder builder;
  TruthFeatures truth;
  TokenBatches::Position position = {};
  std::uint64_t batches = 0;
};

/// The folder ATLAS.checkpoint, made by the first save(). Not for two threads at once.
class AtlasCheckpoint {
 public:
  /// `about`: JSON of all that the atlas depends on. Throws InvalidArgument if another process
  /// builds this atlas, or if `beginning` is New and there is a checkpoint; Over removes it.
  AtlasCheckpoint(const std::filesystem::path& atlas, std::string about, Beginning beginning);

  /// Throws ResourceExhausted if the disk is full.
  void save(const AtlasState& state);
  /// Into a state of the same dictionary and options; false, and nothing changed, if there is none.
  /// Throws CorruptData for a damaged one, InvalidArgument if it is of another atlas.
  bool load(AtlasState& state);
  /// Once the atlas is written.
  void remove();

 private:
  void open();

  std::filesystem::path path_;
  std::string about_;
  std::optional<FolderLock> lock_;
  std::optional<CheckpointFolder> folder_;  // absent: not made yet
};

}  // namespace cajal
