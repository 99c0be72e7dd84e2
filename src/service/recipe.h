// The recipe of a training: a YAML file of sections, each with its table of fields.
//
// docs/grow.md explains every field to people; recipe.cc is the table of them.
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "io/json.h"
#include "service/fields.h"

namespace cajal {

inline constexpr std::size_t kMostSteps = 99999999;  // eight digits in the names of checkpoints

struct RecipeModel {
  std::string family = "llama";
  std::size_t d_model = 192;
  std::size_t layers = 8;
  std::size_t heads = 6;
  std::size_t kv_heads = 0;  // 0: as many as heads
  std::size_t d_head = 0;    // 0: d_model / heads
  std::size_t d_mlp = 512;
  std::size_t context = 256;
  double rope_theta = 10000.0;
  double norm_epsilon = 1e-5;
  bool tied = false;
};

struct RecipeTokenizer {
  std::string file;  // a tokenizer.json to take; empty: one is trained
  std::size_t vocab = 3000;
  std::vector<std::string> whole;
  std::vector<std::string> spelled;
  std::size_t min_count = 2;
  std::size_t min_names = 2;
  std::size_t sample = 20000;  // documents of each world task to count words of
};

/// Exactly one of text, world and ids.
struct RecipeData {
  std::string text;  // a file: plain text, .jsonl with a document a line, .json with a list of them
  std::string world;  // a task, or "all"
  // To learn a dictionary of a model without tokenizer: prompts of an id of each slot (corpus/
  // id_prompts.h), each followed by the model's own answer.
  std::string ids;
  std::size_t prompts = 10000;  // of ids: how many draws
  std::size_t answer = 64;      // of ids: tokens of the answer at most
  double weight = 1.0;
  double from = 0.0;
  double until = 1.0;
  double heldout = 0.05;
};

struct RecipeTraining {
  std::size_t steps = 0;  // exactly one of the two
  std::size_t tokens = 0;
  std::size_t batch_rows = 32;
  std::size_t accumulate = 1;
  double learning_rate = 1e-3;
  std::size_t warmup = 100;
  std::string schedule = "cosine";
  double final = 0.0;
  double weight_decay = 0.1;
  double beta1 = 0.9;
  double beta2 = 0.95;
  double epsilon = 1e-8;
  double clip = 1.0;
  std::string precision = "auto";  // bf16 where the machine has it
  double hide_pieces = 0.0;        // share of the documents, see corpus/word_ends.h
};

struct RecipeEvaluation {
  std::size_t every = 200;
  std::size_t tokens = 50000;
  std::size_t questions = 200;  // of each kind that a world task asks
};

struct RecipeCheckpoints {
  std::size_t every = 200;
  std::size_t keep = 3;
  std::size_t milestones = 0;
};

struct Recipe {
  std::filesystem::path file;
  std::string output;
  std::size_t seed = 1;
  RecipeModel model;
  RecipeTokenizer tokenizer;
  std::vector<RecipeData> data;
  RecipeTraining training;
  RecipeEvaluation evaluation;
  RecipeCheckpoints checkpoints;

  /// Of the training: as given, or as many as its tokens take.
  std::size_t steps() const;
  /// A path of the recipe: as it stands if absolute, else from the recipe's folder on.
  std::filesystem::path resolve(const std::string& path) const;
};

/// Throws CorruptData for what is no YAML, InvalidArgument for an unknown key or a value that makes
/// no sense: one sentence with file, section and field.
Recipe load_recipe(const std::filesystem::path& file);
Recipe parse_recipe(const Json& json, const std::filesystem::path& file);

/// The list of a recipe's data, and the other way.
std::vector<RecipeData> read_data(const Json& list, const std::string& where);
Json data_to_json(const std::vector<RecipeData>& data);

/// Throws InvalidArgument naming a member of a recipe's top that is none of `known`.
void check_recipe_members(const Json& json, std::span<const std::string_view> known,
                          const std::string& where);

/// A section of a recipe. apply() says in its sentence which field is wrong, but not always where.
template <typename Options>
void read_section(const FieldTable<Options>& table, Options& options, const Json& json,
                  const std::string& where) {
  try {
    apply(bind_fields(table, options), json, where);
  } catch (const Error& error) {
    const std::string_view message = error.what();
    if (message.starts_with(where)) {
      throw;
    }
    fail(error.code(), "{}: {}", where, message);
  }
}

/// Every field that the result of the training depends on.
Json to_json(const Recipe& recipe);

}  // namespace cajal
