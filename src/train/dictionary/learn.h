// A whole learning: dictionaries for all chosen layers in one pass over a model's activations,
// held-out figures, checkpoints, and at the end a dictionary that others can use.
//
// As with grow: work that was done is not lost, and a process that is killed at any moment and told
// to resume ends with the same bytes as one that was not.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "train/dictionary/activation_pool.h"
#include "train/dictionary/export.h"
#include "train/grow.h"

namespace cajal {

struct LearnRow {
  std::size_t step = 0;    // counted from 1
  std::size_t tokens = 0;  // learned from so far, this step's included
  double learning_rate = 0.0;
  double loss = 0.0;  // mean of the layers', before the update
  double fvu = 0.0;   // of the step's own rows, mean of the layers
  double l0 = 0.0;    // mean of the layers
  std::size_t dead = 0;
  std::vector<LayerFigures> heldout;  // by layer; empty: not measured here

  /// Mean FVU of the layers; NaN: not measured.
  double heldout_fvu() const;
};

using LearnHistory = std::vector<LearnRow>;

struct LearnOptions {
  std::filesystem::path folder;  // gets the dictionary, and training/ with all the rest
  std::shared_ptr<const Model> model;
  DictionaryShape shape;    // layers: those of a CLT, else 1 for each dictionary
  DictionaryRecipe recipe;  // schedule.steps is the length of the learning
  std::vector<double> k;    // of each dictionary, in place of recipe.k; empty: recipe.k for all
  PoolOptions pool;
  std::vector<MixturePart> data;
  std::vector<std::shared_ptr<const TokenSource>> heldout;
  std::size_t heldout_rows = 0;
  double threshold = 0.1;  // that JumpReLU begins with
  std::uint64_t seed = 0;
  std::size_t evaluate_every = 0;    // steps; 0: at the end only
  std::size_t checkpoint_every = 0;  // steps; 0: at the end only
  std::size_t keep = 3;              // newest checkpoints that stay
  ExportOptions result;
  std::string description;  // JSON of all that the result depends on
};

/// Told how it goes. Called in the thread that computes.
class LearnObserver {
 public:
  virtual ~LearnObserver() = default;
  virtual void note(std::string_view /*sentence*/) {}
  virtual void stepped(const LearnRow& /*row*/, std::size_t /*steps*/) {}
};

struct LearnResult {
  std::size_t step = 0;
  bool finished = false;  // false: it was stopped, and left a checkpoint
  LearnHistory history;
  std::shared_ptr<const Dictionary> dictionary;  // of a finished one
  std::vector<LayerFigures> figures;             // of that dictionary, on the held-out rows
};

/// Fresh parameters: decoder rows of norm 0.1; the encoder's the same rows for an SAE (`tied`),
/// else others of norm 1; zeros.
Parameters fresh_dictionary(const DictionaryShape& shape, const DictionaryRecipe& recipe, bool tied,
                            double threshold, DType dtype, std::uint64_t seed);

/// Throws InvalidArgument if there are checkpoints already and the learning is to be new, if the
/// text is too short, or if the loss stops being a number; a stop leaves a checkpoint and returns.
LearnResult learn(Backend& backend, const LearnOptions& options, Beginning beginning,
                  LearnObserver& observer, const std::stop_token& stop = {});

/// "step,tokens,learning_rate,loss,fvu,l0,dead,heldout_fvu" and a line for each row.
std::string to_csv(const LearnHistory& history);
/// "step,layer,fvu,l0,dead" and a line for each layer measured on held-out rows.
std::string layers_csv(const LearnHistory& history, std::span<const std::size_t> layers);
/// [rows, 7 + 3 layers] of F64, and back. Throws CorruptData naming `where` for another shape.
Matrix to_matrix(const LearnHistory& history, std::size_t layers);
LearnHistory learn_history_from(ConstMatRef matrix, std::size_t layers, const std::string& where);

}  // namespace cajal
