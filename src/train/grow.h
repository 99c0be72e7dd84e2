// A whole training: steps, held-out losses, checkpoints, and at the end a model folder.
//
// Work that was done is not lost: a process that is killed at any moment and told to resume ends
// with the same bytes as one that was not.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "corpus/mixture.h"
#include "train/checkpoint_folder.h"
#include "train/history.h"
#include "train/model_folder.h"
#include "train/trainer.h"

namespace cajal {

struct GrowOptions {
  std::filesystem::path folder;  // gets the model, and training/ with all the rest
  ModelFolder model;
  TrainerOptions trainer;  // schedule.steps is the length of the training
  std::uint64_t seed = 0;
  std::vector<MixturePart> data;
  std::vector<std::shared_ptr<const TokenSource>> heldout;
  std::shared_ptr<const WordEnds> word_ends;  // what hides pieces of words; nullptr: nothing does
  std::size_t batch_tokens = 0;               // of one pass; none of the documents may be longer
  std::size_t accumulate = 1;                 // passes in a step
  std::size_t evaluate_every = 0;             // steps; 0: at the end only
  std::size_t evaluation_tokens = 0;          // about, in whole batches of each held-out source
  std::size_t checkpoint_every = 0;           // steps; 0: at the end only
  std::size_t keep = 3;                       // newest checkpoints that stay
  std::size_t milestones = 0;                 // model folders kept along the way, evenly spaced
  std::string recipe;                         // JSON of all that the result depends on
};

/// Told how it goes. Called in the thread that computes.
class GrowObserver {
 public:
  virtual ~GrowObserver() = default;
  virtual void note(std::string_view /*sentence*/) {}
  virtual void stepped(const HistoryRow& /*row*/, std::size_t /*steps*/) {}
  /// At every evaluation, after the held-out loss: for scores of other kinds. What it throws ends
  /// the training without a checkpoint, so one that is told to stop returns.
  virtual void evaluated(Trainer& /*trainer*/, const HistoryRow& /*row*/) {}
};

enum class Beginning : std::uint8_t {
  New,      // where no training has left a checkpoint
  Over,     // removes checkpoints that are there
  Resumed,  // goes on from the newest one
};

struct GrowResult {
  std::size_t step = 0;
  bool finished = false;  // false: it was stopped, and left a checkpoint
  History history;
};

/// Throws InvalidArgument if there are checkpoints already and the training is to be new, or if
/// another process is growing a model in the folder; Cancelled
/// never: a stop leaves a checkpoint and returns. A loss that is no number, or far above that of a
/// model that knows nothing, throws InvalidArgument naming the step and the last good checkpoint.
GrowResult grow(const MakeBackend& make, const GrowOptions& options, Beginning beginning,
                GrowObserver& observer, const std::stop_token& stop = {});

}  // namespace cajal
