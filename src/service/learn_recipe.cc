#include "service/learn_recipe.h"

#include <algorithm>
#include <optional>

#include <fmt/ranges.h>

#include "base/error.h"
#include "base/positive_number.h"
#include "base/split.h"
#include "base/whole_number.h"
#include "io/yaml.h"

namespace cajal {
namespace {

constexpr std::string_view kLearnMembers[] = {"output",   "model",      "random_model",
                                              "seed",     "dictionary", "data",
                                              "training", "evaluation", "checkpoints"};

constexpr std::size_t kDefaultLearnTokens = 10'000'000;  // where the recipe does not say how many
constexpr double kMostFeatures = 1 << 26;
constexpr double kMostRows = 1 << 24;

const FieldTable<LearnRecipeDictionary>& learn_dictionary_table() {
  using D = LearnRecipeDictionary;
  static const FieldTable<D> table = {
      {{.name = "kind", .choices = {"transcoder", "skip-transcoder", "sae", "clt"}}, &D::kind},
      {{.name = "activation", .choices = {"batchtopk", "topk", "jumprelu", "relu"}},
       &D::activation},
      {{.name = "features", .max = kMostFeatures}, &D::features},
      {{.name = "k", .min = 0, .max = kMostFeatures, .above_min = true}, &D::k},
      {{.name = "k_of_layers", .left_out_with = "k_of_layers"}, &D::k_of_layers},
      {{.name = "prefixes", .left_out_with = "prefixes"}, &D::prefixes},
      {{.name = "layers"}, &D::layers},
      {{.name = "point"}, &D::point},
      {{.name = "target"}, &D::target},
      {{.name = "decoder", .choices = {"learned", "random"}, .left_out_with = "decoder"},
       &D::decoder},
  };
  return table;
}

const FieldTable<LearnRecipeTraining>& learn_training_table() {
  using T = LearnRecipeTraining;
  static const FieldTable<T> table = {
      {{.name = "steps", .max = kMostSteps}, &T::steps},
      {{.name = "tokens"}, &T::tokens},
      {{.name = "batch", .min = 1, .max = kMostRows}, &T::batch},
      {{.name = "pool", .min = 1, .max = 1 << 16}, &T::pool},
      {{.name = "learning_rate", .min = 0, .max = 1}, &T::learning_rate},
      {{.name = "warmup", .min = 0, .max = 1}, &T::warmup},
      {{.name = "decay", .min = 0, .max = 1}, &T::decay},
      {{.name = "beta1", .min = 0, .max = 0.9999}, &T::beta1},
      {{.name = "beta2", .min = 0, .max = 0.999999}, &T::beta2},
      {{.name = "clip", .min = 0}, &T::clip},
      {{.name = "sparsity", .min = 0}, &T::sparsity},
      {{.name = "bandwidth", .min = 0, .above_min = true}, &T::bandwidth},
      {{.name = "auxiliary", .min = 0}, &T::auxiliary},
      {{.name = "auxiliary_count", .max = kMostFeatures}, &T::auxiliary_count},
      {{.name = "dead_after", .min = 1, .max = 1e15}, &T::dead_after},
      {{.name = "precision", .choices = {"auto", "f32", "bf16"}}, &T::precision},
      {{.name = "store", .choices = {"bf16", "f32"}}, &T::store},
  };
  return table;
}

const FieldTable<LearnRecipeEvaluation>& learn_evaluation_table() {
  using E = LearnRecipeEvaluation;
  static const FieldTable<E> table = {
      {{.name = "every"}, &E::every},
      {{.name = "tokens", .min = 1, .max = kMostRows}, &E::tokens},
  };
  return table;
}

const FieldTable<LearnRecipeCheckpoints>& learn_checkpoints_table() {
  using C = LearnRecipeCheckpoints;
  static const FieldTable<C> table = {
      {{.name = "every"}, &C::every},
      {{.name = "keep", .min = 1}, &C::keep},
  };
  return table;
}

const FieldTable<LearnRecipe>& learn_top_table() {
  static const FieldTable<LearnRecipe> table = {
      {{.name = "output"}, &LearnRecipe::output},
      {{.name = "model"}, &LearnRecipe::model},
      {{.name = "random_model"}, &LearnRecipe::random_model},
      {{.name = "seed", .max = 9e15}, &LearnRecipe::seed},
  };
  return table;
}

std::size_t layer_in(std::string_view text, const std::string& all, std::string_view field) {
  const std::optional<std::size_t> value = whole_number(text);
  check(value.has_value(), "{}: '{}' is no list such as 0-3,5", field, all.substr(0, 100));
  return *value;
}

/// What stands between the commas; one at the end is nothing.
std::vector<std::string_view> parts_of(std::string_view text) {
  std::vector<std::string_view> out = split(text, ',');
  if (out.back().empty()) {
    out.pop_back();
  }
  return out;
}

}  // namespace

std::size_t LearnRecipe::steps() const {
  const std::size_t tokens = training.tokens != 0 ? training.tokens : kDefaultLearnTokens;
  return training.steps != 0 ? training.steps : (tokens + training.batch - 1) / training.batch;
}

std::filesystem::path LearnRecipe::resolve(const std::string& path) const {
  return (file.parent_path() / path).lexically_normal();
}

LearnRecipe load_learn_recipe(const std::filesystem::path& file) {
  const Json json = load_yaml(file);
  const std::string where = file.string();
  check_recipe_members(json, kLearnMembers, where);
  LearnRecipe out;
  out.file = file;
  Json top = Json::object({});
  for (const char* name : {"output", "model", "random_model", "seed"}) {
    if (const Json* value = json.find(name)) {
      top.set(name, *value);
    }
  }
  read_section(learn_top_table(), out, top, where);
  const auto section = [&](const char* name, const auto& table, auto& options) {
    if (const Json* value = json.find_value(name)) {
      read_section(table, options, *value, fmt::format("{}: {}", where, name));
    }
  };
  section("dictionary", learn_dictionary_table(), out.dictionary);
  section("training", learn_training_table(), out.training);
  section("evaluation", learn_evaluation_table(), out.evaluation);
  section("checkpoints", learn_checkpoints_table(), out.checkpoints);
  if (const Json* list = json.find_value("data")) {
    out.data = read_data(*list, where);
  }
  return out;
}

void check_learn_recipe(const LearnRecipe& recipe) {
  const LearnRecipeTraining& t = recipe.training;
  const std::string where = recipe.file.empty() ? "learn" : recipe.file.string();
  check(!recipe.data.empty(),
        "{}: names no text to learn on; give --corpus FILE, or data in a recipe", where);
  check(t.steps == 0 || t.tokens == 0, "{}: training: give steps or tokens, not both", where);
  check(recipe.steps() <= kMostSteps, "{}: training: {} steps are too many; at most {}", where,
        recipe.steps(), kMostSteps);
  check(!recipe.output.empty(), "{}: names no folder for the dictionary; give output, or -o",
        where);
}

Json to_json(const LearnRecipe& recipe) {
  return Json::object({{"seed", recipe.seed},
                       {"dictionary", to_json(learn_dictionary_table(), recipe.dictionary)},
                       {"data", data_to_json(recipe.data)},
                       {"training", to_json(learn_training_table(), recipe.training)},
                       {"evaluation", to_json(learn_evaluation_table(), recipe.evaluation)}});
}

std::vector<std::size_t> layers_from(const std::string& text, std::size_t layers,
                                     std::string_view field) {
  std::vector<bool> chosen(layers, text.empty());
  for (const std::string_view part : parts_of(text)) {
    const std::size_t dash = part.find('-');
    const std::size_t first = layer_in(part.substr(0, dash), text, field);
    const std::size_t last =
        dash == std::string_view::npos ? first : layer_in(part.substr(dash + 1), text, field);
    check(first <= last && last < layers, "{}: {} to {} are not among 0 to {}", field, first, last,
          layers - 1);
    std::fill(chosen.begin() + static_cast<std::ptrdiff_t>(first),
              chosen.begin() + static_cast<std::ptrdiff_t>(last) + 1, true);
  }
  std::vector<std::size_t> out;
  for (std::size_t layer = 0; layer < layers; ++layer) {
    if (chosen[layer]) {
      out.push_back(layer);
    }
  }
  return out;
}

std::vector<double> k_of_layers_from(std::string_view text, double k,
                                     std::span<const std::size_t> layers, std::size_t all) {
  constexpr std::string_view kField = "k_of_layers";
  std::vector<std::optional<double>> said(all);
  for (const std::string_view part : parts_of(text)) {
    const std::size_t colon = part.find(':');
    const std::optional<double> own = colon == std::string_view::npos
                                          ? std::nullopt
                                          : positive_number(trimmed(part.substr(colon + 1)));
    check(own.has_value(), "{}: '{}' is no list such as 0-3: 8, 5: 20", kField,
          text.substr(0, 100));
    const std::string which(trimmed(part.substr(0, colon)));
    check(!which.empty(), "{}: '{}' names no layer", kField, part.substr(0, 100));
    for (const std::size_t layer : layers_from(which, all, kField)) {
      check(!said[layer], "{}: layer {} is named twice", kField, layer);
      said[layer] = own;
    }
  }
  std::vector<double> out;
  for (const std::size_t layer : layers) {
    out.push_back(said[layer].value_or(k));
  }
  return out;
}

std::vector<std::size_t> prefixes_from(const std::string& text, std::size_t features) {
  std::vector<std::size_t> out;
  for (const std::string_view part : parts_of(text)) {
    const std::optional<std::size_t> size = whole_number(part);
    check(size && *size > (out.empty() ? 0 : out.back()) && *size < features,
          "prefixes: '{}' is no ascending list, such as 64,256, of sizes below the {} features",
          text.substr(0, 100), features);
    out.push_back(*size);
  }
  if (!out.empty()) {
    out.push_back(features);
  }
  return out;
}

}  // namespace cajal
