// Learning a dictionary of a model's own concepts.
#pragma once

#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "service/fields.h"
#include "service/learn_recipe.h"
#include "service/provenance.h"
#include "train/dictionary/learn.h"

namespace cajal {

/// What is given here takes the place of what the recipe says.
struct LearnRequest {
  std::optional<std::string> recipe;
  std::string model;
  std::string random_model;
  std::vector<std::string> corpus;
  std::optional<std::string> kind;
  std::optional<std::string> activation;
  std::optional<std::size_t> features;
  std::optional<std::string> k;
  std::optional<std::string> layers;
  std::optional<std::string> point;
  std::optional<std::string> decoder;
  std::optional<std::size_t> steps;
  std::optional<std::size_t> seed;
  bool resume = false;
  bool over = false;   // begin again where a learning has left checkpoints
  std::string output;  // in place of the recipe's; empty: that one
  std::string device = "cpu";
  std::optional<std::size_t> threads;
};

const FieldTable<LearnRequest>& learn_fields();

struct LearnProgress {
  LearnRow row;
  std::size_t steps = 0;      // of the whole learning
  double tokens_per_s = 0.0;  // lately, the model's own pass included
  double seconds_left = 0.0;
};

/// Told how it goes, in the thread that computes.
class LearnView {
 public:
  virtual ~LearnView() = default;
  virtual void note(std::string_view sentence) = 0;
  virtual void progress(const LearnProgress& progress) = 0;
};

struct LearnOutcome {
  std::filesystem::path folder;
  Provenance provenance;
  std::string kind;
  std::size_t features = 0;  // of each layer
  std::vector<std::size_t> layers;
  std::size_t step = 0;
  std::size_t steps = 0;
  bool finished = false;
  std::vector<LayerFigures> figures;  // by layer, of the finished dictionary on held-out text
  LearnHistory history;
  double seconds = 0.0;  // of this run
};

/// Throws what the recipe, the model and learn() throw. A stop leaves a checkpoint.
LearnOutcome learn_dictionary(const LearnRequest& request, LearnView& view,
                              const std::stop_token& stop = {});

/// {"folder", "kind", "features", "step", "steps", "finished", "layers": [{"layer", "fvu", "l0",
/// "dead"}], "seconds"}; layers are empty unless it is finished.
Json to_json(const LearnOutcome& outcome);

}  // namespace cajal
