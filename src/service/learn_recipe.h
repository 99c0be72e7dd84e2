// The recipe of a dictionary: a YAML file of sections, or the flags of `learn`, which also change
// what a file says. docs/learn.md explains every field to people.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "service/recipe.h"

namespace cajal {

struct LearnRecipeDictionary {
  std::string kind = "transcoder";
  std::string activation = "batchtopk";
  std::size_t features = 0;         // of each layer; 0: eight times the model's width
  double k = 32.0;                  // features that fire on a token, on average
  std::string k_of_layers;          // "0-3: 8, 5: 20.5", in place of k there; empty: k everywhere
  std::string prefixes;             // "64,256": nested dictionaries; empty: none
  std::string layers;               // "0-3,5"; empty: all
  std::string point;                // what is read, without its layer; empty: by kind
  std::string target;               // what is given back; empty: by kind
  std::string decoder = "learned";  // or "random": it stays as it began, for a baseline
};

struct LearnRecipeTraining {
  std::size_t steps = 0;  // at most one of the two; neither: 10 million tokens
  std::size_t tokens = 0;
  std::size_t batch = 4096;
  std::size_t pool = 8;        // batches that are shuffled together
  double learning_rate = 0.0;  // 0: 2e-4 / sqrt(features / 2^14)
  double warmup = 0.05;        // share of the steps
  double decay = 0.2;          // share of the steps at the end
  double beta1 = 0.9;
  double beta2 = 0.999;
  double clip = 1.0;
  double sparsity = 0.0;       // coefficient of ReLU's and JumpReLU's penalty; 0: the usual one
  double bandwidth = 0.4;      // of JumpReLU
  double auxiliary = 0.03125;  // coefficient of AuxK
  std::size_t auxiliary_count = 0;  // dead features for a token; 0: half the width
  std::size_t dead_after = 200000;  // tokens
  std::string precision = "auto";   // of the encoder's product
  std::string store = "bf16";       // what the matrices are written as
};

struct LearnRecipeEvaluation {
  std::size_t every = 200;
  std::size_t tokens = 16384;
};

struct LearnRecipeCheckpoints {
  std::size_t every = 200;
  std::size_t keep = 2;
};

struct LearnRecipe {
  std::filesystem::path file;  // empty: there is none
  std::string output;
  std::string model;
  std::string random_model;  // folder for a randomly initialised copy to learn on; empty: none
  std::size_t seed = 1;
  LearnRecipeDictionary dictionary;
  std::vector<RecipeData> data;
  LearnRecipeTraining training;
  LearnRecipeEvaluation evaluation;
  LearnRecipeCheckpoints checkpoints;

  std::size_t steps() const;
  /// A path of the recipe: as it stands if absolute, else from the recipe's folder on.
  std::filesystem::path resolve(const std::string& path) const;
};

/// Throws as load_recipe.
LearnRecipe load_learn_recipe(const std::filesystem::path& file);
/// What does not depend on the model. Throws InvalidArgument.
void check_learn_recipe(const LearnRecipe& recipe);

/// Every field that the result depends on, but for the model.
Json to_json(const LearnRecipe& recipe);

/// "0-3,5" as numbers below `layers`, ascending; empty: all. Throws InvalidArgument naming `field`.
std::vector<std::size_t> layers_from(const std::string& text, std::size_t layers,
                                     std::string_view field = "layers");
/// "0-3: 8, 5: 20.5": what it says of each of `layers`, which are among the first `all`; `k` where
/// it says nothing. Throws InvalidArgument, also for a layer that is named twice or not among
/// `all`.
std::vector<double> k_of_layers_from(std::string_view text, double k,
                                     std::span<const std::size_t> layers, std::size_t all);
/// "64,256" as sizes of nested dictionaries, the last one all features; empty: none. Throws
/// InvalidArgument.
std::vector<std::size_t> prefixes_from(const std::string& text, std::size_t features);

}  // namespace cajal
