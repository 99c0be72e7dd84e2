#include "service/recipe.h"

#include <algorithm>

#include <fmt/ranges.h>

#include "base/error.h"
#include "io/yaml.h"

namespace cajal {
namespace {

constexpr std::string_view kGrowMembers[] = {"output", "seed",     "model",      "tokenizer",
                                             "data",   "training", "evaluation", "checkpoints"};

constexpr double kMostSize = 1 << 20;         // of a width or count that memory is set aside for
constexpr std::size_t kMostTokens = 1 << 24;  // of a pass

const FieldTable<RecipeModel>& grow_model_table() {
  using M = RecipeModel;
  static const FieldTable<M> table = {
      {{.name = "family", .choices = {"llama", "gpt2", "qwen3", "gemma2"}}, &M::family},
      {{.name = "d_model", .min = 1, .max = kMostSize}, &M::d_model},
      {{.name = "layers", .min = 1, .max = 1000}, &M::layers},
      {{.name = "heads", .min = 1, .max = kMostSize}, &M::heads},
      {{.name = "kv_heads", .max = kMostSize}, &M::kv_heads},
      {{.name = "d_head", .max = kMostSize}, &M::d_head},
      {{.name = "d_mlp", .min = 1, .max = kMostSize}, &M::d_mlp},
      {{.name = "context", .min = 3, .max = kMostSize}, &M::context},
      {{.name = "rope_theta", .min = 1}, &M::rope_theta},
      {{.name = "norm_epsilon", .min = 0, .max = 1, .above_min = true}, &M::norm_epsilon},
      {{.name = "tied"}, &M::tied},
  };
  return table;
}

const FieldTable<RecipeTokenizer>& grow_tokenizer_table() {
  using T = RecipeTokenizer;
  static const FieldTable<T> table = {
      {{.name = "file"}, &T::file},
      {{.name = "vocab", .min = 1, .max = kMostSize}, &T::vocab},
      {{.name = "whole"}, &T::whole},
      {{.name = "spelled"}, &T::spelled},
      {{.name = "min_count", .min = 1}, &T::min_count},
      {{.name = "min_names", .min = 1}, &T::min_names},
      {{.name = "sample", .min = 1}, &T::sample},
  };
  return table;
}

const FieldTable<RecipeData>& grow_data_table() {
  using D = RecipeData;
  static const FieldTable<D> table = {
      {{.name = "text"}, &D::text},
      {{.name = "world"}, &D::world},
      {{.name = "ids", .left_out_with = "ids"}, &D::ids},
      {{.name = "prompts", .min = 1, .max = 1 << 24, .left_out_with = "ids"}, &D::prompts},
      {{.name = "answer", .min = 1, .max = 1 << 16, .left_out_with = "ids"}, &D::answer},
      {{.name = "weight", .min = 0, .max = 1e9, .above_min = true}, &D::weight},
      {{.name = "from", .min = 0, .max = 1}, &D::from},
      {{.name = "until", .min = 0, .max = 1}, &D::until},
      {{.name = "heldout", .min = 0, .max = 0.9}, &D::heldout},
  };
  return table;
}

const FieldTable<RecipeTraining>& grow_training_table() {
  using T = RecipeTraining;
  static const FieldTable<T> table = {
      {{.name = "steps", .max = kMostSteps}, &T::steps},
      {{.name = "tokens"}, &T::tokens},
      {{.name = "batch_rows", .min = 1, .max = 1 << 16}, &T::batch_rows},
      {{.name = "accumulate", .min = 1, .max = 1 << 16}, &T::accumulate},
      {{.name = "learning_rate", .min = 0, .max = 1, .above_min = true}, &T::learning_rate},
      {{.name = "warmup"}, &T::warmup},
      {{.name = "schedule", .choices = {"cosine", "linear", "constant"}}, &T::schedule},
      {{.name = "final", .min = 0, .max = 1}, &T::final},
      {{.name = "weight_decay", .min = 0, .max = 1}, &T::weight_decay},
      {{.name = "beta1", .min = 0, .max = 0.9999}, &T::beta1},
      {{.name = "beta2", .min = 0, .max = 0.999999}, &T::beta2},
      {{.name = "epsilon", .min = 0, .max = 1, .above_min = true}, &T::epsilon},
      {{.name = "clip", .min = 0}, &T::clip},
      {{.name = "precision", .choices = {"auto", "f32", "bf16"}}, &T::precision},
      {{.name = "hide_pieces", .min = 0, .max = 1, .left_out_with = "hide_pieces"},
       &T::hide_pieces},
  };
  return table;
}

const FieldTable<RecipeEvaluation>& grow_evaluation_table() {
  using E = RecipeEvaluation;
  static const FieldTable<E> table = {
      {{.name = "every"}, &E::every},
      {{.name = "tokens"}, &E::tokens},
      {{.name = "questions"}, &E::questions},
  };
  return table;
}

const FieldTable<RecipeCheckpoints>& grow_checkpoints_table() {
  using C = RecipeCheckpoints;
  static const FieldTable<C> table = {
      {{.name = "every"}, &C::every},
      {{.name = "keep", .min = 1}, &C::keep},
      {{.name = "milestones", .max = 1000}, &C::milestones},
  };
  return table;
}

const FieldTable<Recipe>& grow_top_table() {
  static const FieldTable<Recipe> table = {
      {{.name = "output"}, &Recipe::output},
      {{.name = "seed", .max = 9e15}, &Recipe::seed},
  };
  return table;
}

void check_data(const RecipeData& data, const std::string& where) {
  const int given =
      (data.text.empty() ? 0 : 1) + (data.world.empty() ? 0 : 1) + (data.ids.empty() ? 0 : 1);
  check(given == 1, "{}: give text (a file), world (a task, or all) or ids, one of the three",
        where);
}

void check_whole(const Recipe& recipe, const std::string& where) {
  const RecipeTraining& t = recipe.training;
  check(!recipe.data.empty(), "{}: names no data; give a list such as data: [{{text: FILE}}]",
        where);
  check((t.steps == 0) != (t.tokens == 0), "{}: training: give steps or tokens, one of the two",
        where);
  check(!recipe.output.empty(), "{}: names no output; give the folder the model goes to", where);
  for (const RecipeData& data : recipe.data) {
    check(data.ids.empty(), "{}: ids are for cajal learn: a model grows from text or the world",
          where);
  }
  check(t.batch_rows <= kMostTokens / recipe.model.context,
        "{}: training: {} rows of {} tokens are too many for a pass, which takes {}; accumulate "
        "several",
        where, t.batch_rows, recipe.model.context, kMostTokens);
  check(recipe.steps() <= kMostSteps, "{}: training: {} steps are too many; at most {}", where,
        recipe.steps(), kMostSteps);
}

}  // namespace

void check_recipe_members(const Json& json, std::span<const std::string_view> known,
                          const std::string& where) {
  for (const auto& [name, value] : json.as_object(where)) {
    check(std::ranges::find(known, name) != known.end(), "{}: a recipe has no '{}'; it has {}",
          where, name.substr(0, 100), fmt::join(known, ", "));
  }
}

std::size_t Recipe::steps() const {
  const std::size_t tokens = training.batch_rows * model.context * training.accumulate;
  return training.steps != 0 ? training.steps : (training.tokens + tokens - 1) / tokens;
}

std::filesystem::path Recipe::resolve(const std::string& path) const {
  return (file.parent_path() / path).lexically_normal();
}

Recipe parse_recipe(const Json& json, const std::filesystem::path& file) {
  const std::string where = file.string();
  check_recipe_members(json, kGrowMembers, where);
  Recipe recipe;
  recipe.file = file;
  Json top = Json::object({});
  for (const char* name : {"output", "seed"}) {
    if (const Json* value = json.find(name)) {
      top.set(name, *value);
    }
  }
  read_section(grow_top_table(), recipe, top, where);
  const auto section = [&](const char* name, const auto& table, auto& options) {
    if (const Json* value = json.find_value(name)) {
      read_section(table, options, *value, fmt::format("{}: {}", where, name));
    }
  };
  section("model", grow_model_table(), recipe.model);
  section("tokenizer", grow_tokenizer_table(), recipe.tokenizer);
  section("training", grow_training_table(), recipe.training);
  section("evaluation", grow_evaluation_table(), recipe.evaluation);
  section("checkpoints", grow_checkpoints_table(), recipe.checkpoints);
  if (const Json* list = json.find_value("data")) {
    recipe.data = read_data(*list, where);
  }
  check_whole(recipe, where);
  return recipe;
}

std::vector<RecipeData> read_data(const Json& list, const std::string& where) {
  std::vector<RecipeData> out;
  for (const Json& one : list.as_array(where + ": data")) {
    const std::string here = fmt::format("{}: data[{}]", where, out.size());
    out.emplace_back();
    read_section(grow_data_table(), out.back(), one, here);
    check_data(out.back(), here);
  }
  return out;
}

Json data_to_json(const std::vector<RecipeData>& data) {
  Json out(Json::Array{});
  for (const RecipeData& one : data) {
    out.push_back(to_json(grow_data_table(), one));
  }
  return out;
}

Recipe load_recipe(const std::filesystem::path& file) {
  return parse_recipe(load_yaml(file), file);
}

Json to_json(const Recipe& recipe) {
  return Json::object({{"seed", recipe.seed},
                       {"model", to_json(grow_model_table(), recipe.model)},
                       {"tokenizer", to_json(grow_tokenizer_table(), recipe.tokenizer)},
                       {"data", data_to_json(recipe.data)},
                       {"training", to_json(grow_training_table(), recipe.training)},
                       {"evaluation", to_json(grow_evaluation_table(), recipe.evaluation)}});
}

}  // namespace cajal
