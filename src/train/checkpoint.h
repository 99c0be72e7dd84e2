// All that a training needs to go on as if it had never stopped: one safetensors file per
// checkpoint, which appears whole or not at all.
//
// training/step-00000200.safetensors holds param/NAME, first/NAME, second/NAME (as stored in the
// file's own names and shapes) and history; its metadata say where the data stands and which recipe
// it belongs to. The random state is the recipe's seed and these positions, since every draw is a
// pure function of them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "corpus/mixture.h"
#include "model/parameters.h"
#include "train/checkpoint_folder.h"
#include "train/history.h"

namespace cajal {

/// Of the three sets of numbers: parameters and the two moments. Views of what a trainer owns.
struct CheckpointTensors {
  const Parameters* values = nullptr;
  const Parameters* first = nullptr;
  const Parameters* second = nullptr;
};

struct TrainingPosition {
  std::size_t step = 0;  // steps done
  std::vector<PartPosition> data;
  History history;
};

class Checkpoints {
 public:
  /// In `folder`, which is made if it is not there. `recipe` names what is trained; checkpoints of
  /// another one are refused. Removes what a killed process left half-written.
  Checkpoints(std::filesystem::path folder, std::string recipe, std::size_t keep);

  /// Writes one, then removes all but the newest `keep` up to it, and damaged ones of later steps.
  /// Throws ResourceExhausted if the disk is
  /// full, naming the checkpoint that remains.
  void save(const CheckpointTensors& tensors, const TrainingPosition& position);

  /// The newest one that can be read, into parameters of its specs and type; nullopt if there is
  /// none. `notes` gets a sentence for each newer one that is damaged. Throws InvalidArgument if it
  /// belongs to another recipe, naming the difference.
  std::optional<TrainingPosition> load(Parameters& values, Parameters& first, Parameters& second,
                                       std::vector<std::string>& notes) const;

  /// Of the newest checkpoint; nullopt if there is none.
  std::optional<std::filesystem::path> newest() const { return folder_.newest(); }
  /// Removes all of them.
  void clear() { folder_.clear(); }

 private:
  CheckpointFolder folder_;
};

}  // namespace cajal
