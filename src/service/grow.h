// Growing a model from a recipe.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "measure/world_score.h"
#include "service/fields.h"
#include "train/history.h"

namespace cajal {

struct GrowRequest {
  std::optional<std::string> recipe;
  bool resume = false;
  bool over = false;                 // begin again where a training has left checkpoints
  std::optional<std::size_t> steps;  // in place of the recipe's
  std::string output;                // in place of the recipe's; empty: that one
  std::string device = "cpu";
  std::optional<std::size_t> threads;
};

const FieldTable<GrowRequest>& grow_fields();

struct GrowProgress {
  HistoryRow row;
  std::size_t steps = 0;      // of the whole training
  double tokens_per_s = 0.0;  // predictions, lately
  double seconds_left = 0.0;
};

/// Told how it goes, in the thread that computes.
class GrowView {
 public:
  virtual ~GrowView() = default;
  virtual void note(std::string_view sentence) = 0;
  virtual void progress(const GrowProgress& progress) = 0;
  /// Answers to the questions of the world's tasks in the recipe, after this step; also a table in
  /// training/scores.csv.
  virtual void scores(std::size_t step, const std::vector<KindScore>& scores) = 0;
};

struct GrowOutcome {
  std::filesystem::path folder;
  std::size_t parameters = 0;
  std::size_t vocab = 0;
  std::size_t step = 0;
  std::size_t steps = 0;
  bool finished = false;
  History history;
  double seconds = 0.0;  // of this run
};

/// Throws what load_recipe, prepare_data and grow throw. A stop leaves a checkpoint.
GrowOutcome grow_recipe(const GrowRequest& request, GrowView& view,
                        const std::stop_token& stop = {});

/// {"folder", "parameters", "vocab", "step", "steps", "finished", "loss", "heldout_loss",
/// "seconds"}; losses are null where there are none.
Json to_json(const GrowOutcome& outcome);

}  // namespace cajal
