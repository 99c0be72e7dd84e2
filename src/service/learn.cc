#include "service/learn.h"

#include <chrono>
#include <deque>

#include "base/error.h"
#include "base/positive_number.h"
#include "base/seconds.h"
#include "dictionary/save.h"
#include "service/beginning.h"
#include "service/learn_options.h"
#include "service/session.h"
#include "service/shared_folder.h"
#include "train/random_copy.h"

namespace cajal {
namespace {

template <typename T>
void take(const std::optional<T>& given, T& into) {
  into = given.value_or(into);
}

/// What a request says of the dictionary to be learned goes before the recipe.
void take_dictionary(const LearnRequest& request, LearnRecipe& out) {
  take(request.kind, out.dictionary.kind);
  take(request.activation, out.dictionary.activation);
  take(request.features, out.dictionary.features);
  take(request.layers, out.dictionary.layers);
  take(request.point, out.dictionary.point);
  take(request.decoder, out.dictionary.decoder);
  take(request.seed, out.seed);
  if (request.k) {
    const std::optional<double> k = positive_number(*request.k);
    check(k.has_value(), "k: '{}' is no number above 0", request.k->substr(0, 100));
    out.dictionary.k = *k;
    out.dictionary.k_of_layers.clear();
  }
}

LearnRecipe recipe_of(const LearnRequest& request) {
  LearnRecipe out = request.recipe ? load_learn_recipe(*request.recipe) : LearnRecipe();
  take_dictionary(request, out);
  if (!request.model.empty()) {
    out.model = request.model;
  } else if (!out.model.empty() && std::filesystem::exists(out.resolve(out.model))) {
    out.model = out.resolve(out.model).string();
  }
  if (!request.random_model.empty()) {
    out.random_model = std::filesystem::absolute(request.random_model).string();
  }
  if (!request.corpus.empty()) {
    out.data.clear();
    for (const std::string& file : request.corpus) {
      out.data.push_back({.text = std::filesystem::absolute(file).string()});
    }
  }
  if (request.steps) {
    out.training.steps = *request.steps;
    out.training.tokens = 0;
  }
  if (!request.output.empty()) {
    out.output = std::filesystem::absolute(request.output).string();
  }
  out.model = with_shared(out.model);
  for (RecipeData& data : out.data) {
    data.text = with_shared(data.text);
  }
  check_learn_recipe(out);
  return out;
}

class LearnWatcher final : public LearnObserver {
 public:
  explicit LearnWatcher(LearnView& view) : view_(view) {}
  void note(std::string_view sentence) override { view_.note(sentence); }
  void stepped(const LearnRow& row, std::size_t steps) override {
    constexpr std::size_t kLately = 20;  // steps
    lately_.push_back({Clock::now(), row.step, row.tokens});
    if (lately_.size() > kLately) {
      lately_.pop_front();
    }
    LearnProgress progress{.row = row, .steps = steps};
    const Moment& then = lately_.front();
    if (row.step > then.step) {
      const double seconds = seconds_between(then.when, Clock::now());
      const auto done = static_cast<double>(row.step - then.step);
      progress.tokens_per_s = static_cast<double>(row.tokens - then.tokens) / seconds;
      progress.seconds_left = seconds / done * static_cast<double>(steps - row.step);
    }
    view_.progress(progress);
  }

 private:
  struct Moment {
    Clock::time_point when;
    std::size_t step = 0;
    std::size_t tokens = 0;
  };
  LearnView& view_;
  std::deque<Moment> lately_;
};

void save(const LearnResult& result, const LearnOptions& options) {
  const SaveOptions how{.force = true,
                        .plain_branches = !options.model->config().branch_is_changed(),
                        .metadata = options.result.metadata};
  if (options.result.kind == DictionaryKind::Sae) {
    save_saelens(result.dictionary, options.folder, how);
  } else {
    save_circuit_tracer(result.dictionary, options.folder, how);
  }
}

/// What is learned on: the model, or its random copy.
std::string model_of(const LearnRecipe& recipe, LearnView& view) {
  if (recipe.random_model.empty()) {
    return recipe.model;
  }
  const FoundModel found = find_model(recipe.model);
  for (const std::string& note : found.notes) {
    view.note(note);
  }
  const std::filesystem::path copy = recipe.resolve(recipe.random_model);
  write_random_copy(found.path, copy, recipe.seed);
  return copy.string();
}

}  // namespace

const FieldTable<LearnRequest>& learn_fields() {
  using R = LearnRequest;
  static const FieldTable<R> table = {
      {{.name = "recipe",
        .help = "what to learn, a YAML file (docs/learn.md); flags change what it says",
        .value = "RECIPE",
        .positional = true},
       &R::recipe},
      {{.name = "model",
        .help = "the model: a folder, or org/name in the Hugging Face cache",
        .letter = 'm',
        .value = "MODEL"},
       &R::model},
      {{.name = "corpus", .help = "a text to learn on (repeatable)", .value = "FILE"}, &R::corpus},
      {{.name = "kind",
        .help = "transcoder, skip-transcoder, sae or clt",
        .value = "KIND",
        .choices = {"transcoder", "skip-transcoder", "sae", "clt"}},
       &R::kind},
      {{.name = "activation",
        .help = "batchtopk, topk, jumprelu or relu",
        .value = "NAME",
        .choices = {"batchtopk", "topk", "jumprelu", "relu"}},
       &R::activation},
      {{.name = "features",
        .help = "features of each layer (default: 8 times the width)",
        .min = 1},
       &R::features},
      {{.name = "k", .help = "features that fire on a token, on average", .letter = 'k'}, &R::k},
      {{.name = "layers", .help = "such as 0-3,5 (default: all)", .value = "LIST"}, &R::layers},
      {{.name = "point",
        .help = "what is read, such as mlp_in or resid_post (default: by kind)",
        .value = "POINT"},
       &R::point},
      {{.name = "decoder",
        .help = "learned, or random: it stays as it began (a baseline of measure)",
        .value = "KIND",
        .choices = {"learned", "random"}},
       &R::decoder},
      {{.name = "random_model",
        .help = "learn on a randomly initialised copy of the model, which is written to this "
                "folder (a baseline of measure)",
        .value = "DIR"},
       &R::random_model},
      {{.name = "steps",
        .help = "make so many steps instead of the recipe's",
        .min = 1,
        .max = kMostSteps},
       &R::steps},
      {{.name = "seed", .help = "of the weights and the order of the data", .max = 9e15}, &R::seed},
      {{.name = "resume", .help = "go on from the last checkpoint"}, &R::resume},
      {{.name = "device",
        .help = "where to compute: cpu or ref (slow, exact)",
        .value = "DEVICE",
        .choices = {"cpu", "ref"}},
       &R::device},
      {{.name = "threads",
        .help = "threads to compute with (default: all cores)",
        .letter = 't',
        .min = 1,
        .max = 1024},
       &R::threads},
  };
  return table;
}

LearnOutcome learn_dictionary(const LearnRequest& request, LearnView& view,
                              const std::stop_token& stop) {
  const auto start = Clock::now();
  const LearnRecipe recipe = recipe_of(request);
  const Session session = open_session(
      {.model = model_of(recipe, view), .device = request.device, .threads = request.threads});
  for (const std::string& note : session.notes) {
    view.note(note);
  }
  const LearnOptions options = learn_options(recipe, session, stop);
  view.note(fmt::format(
      "{}: {} features in each of {} layers, {} steps of {} tokens, products in {}",
      options.folder.string(), options.shape.features, options.result.layers.size(),
      options.recipe.schedule.steps, options.pool.batch, name_of(options.recipe.precision)));
  LearnWatcher observer(view);
  LearnResult result = learn(*session.backend, options, beginning_of(request), observer, stop);
  if (result.finished) {
    save(result, options);
  }
  return {.folder = options.folder,
          .provenance = session.provenance(),
          .kind = recipe.dictionary.kind,
          .features = options.shape.features,
          .layers = options.result.layers,
          .step = result.step,
          .steps = options.recipe.schedule.steps,
          .finished = result.finished,
          .figures = std::move(result.figures),
          .history = std::move(result.history),
          .seconds = seconds_between(start, Clock::now())};
}

Json to_json(const LearnOutcome& outcome) {
  Json layers(Json::Array{});
  for (std::size_t i = 0; i < outcome.figures.size(); ++i) {
    const LayerFigures& one = outcome.figures[i];
    layers.push_back(Json::object(
        {{"layer", outcome.layers[i]}, {"fvu", one.fvu}, {"l0", one.l0}, {"dead", one.dead}}));
  }
  return Json::object({{"folder", outcome.folder.string()},
                       {"kind", outcome.kind},
                       {"features", outcome.features},
                       {"step", outcome.step},
                       {"steps", outcome.steps},
                       {"finished", outcome.finished},
                       {"layers", std::move(layers)},
                       {"seconds", outcome.seconds}});
}

}  // namespace cajal
