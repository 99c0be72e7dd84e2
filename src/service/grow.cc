#include "service/grow.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <deque>
#include <functional>
#include <numeric>
#include <sstream>

#include "base/error.h"
#include "base/file.h"
#include "base/parallel.h"
#include "base/seconds.h"
#include "service/beginning.h"
#include "service/grow_data.h"
#include "service/recipe.h"
#include "service/session.h"
#include "train/grow.h"

namespace cajal {
namespace {

Architecture architecture_of(const Recipe& recipe, const GrowData& data) {
  const RecipeModel& m = recipe.model;
  return {.family = m.family,
          .layers = m.layers,
          .heads = m.heads,
          .kv_heads = m.kv_heads,
          .d_model = m.d_model,
          .d_head = m.d_head,
          .d_mlp = m.d_mlp,
          .vocab = data.tokenizer->vocab_size(),
          .context = m.context,
          .rope_theta = m.rope_theta,
          .norm_epsilon = m.norm_epsilon,
          .tied = m.tied,
          .bos = data.bos,
          .eos = data.eos,
          .pad = data.pad};
}

ModelFolder folder_of(const Recipe& recipe, const GrowData& data) {
  const Tokenizer& tokenizer = *data.tokenizer;
  ModelFolder out{.architecture = architecture_of(recipe, data),
                  .tokenizer = data.tokenizer_json,
                  .bos = std::string(tokenizer.piece(data.bos)),
                  .eos = std::string(tokenizer.piece(data.eos)),
                  .pad = std::string(tokenizer.piece(data.pad)),
                  .stop = {data.eos}};
  const auto human = tokenizer.id_of("Human:");
  if (human && tokenizer.id_of("Assistant:")) {
    out.chat_template = kHumanAssistantTemplate;
    out.stop.push_back(*human);  // the next question is not the model's to ask
  }
  return out;
}

/// Of the products. Throws Unsupported if bf16 is asked for where there is none.
Precision precision_of(const Recipe& recipe, const Backend& backend) {
  const std::string& wanted = recipe.training.precision;
  const bool exact = backend.activation_dtype() == DType::F64;
  if (wanted == "bf16" && !exact && !backend.has(Precision::BF16)) {
    fail(ErrorCode::Unsupported,
         "{}: training: precision: this machine has no bf16 units; write precision: f32",
         recipe.file.string());
  }
  return wanted == "f32" || exact || !backend.has(Precision::BF16) ? Precision::F32
                                                                   : Precision::BF16;
}

TrainerOptions trainer_of(const Recipe& recipe, const Backend& backend) {
  const RecipeTraining& t = recipe.training;
  return {.adamw = {.beta1 = t.beta1,
                    .beta2 = t.beta2,
                    .epsilon = t.epsilon,
                    .decay = t.weight_decay,
                    .clip = t.clip},
          .schedule = {.peak = t.learning_rate,
                       .steps = recipe.steps(),
                       .warmup = t.warmup,
                       .decay = t.schedule == "cosine"   ? Decay::Cosine
                                : t.schedule == "linear" ? Decay::Linear
                                                         : Decay::None,
                       .last = t.final},
          .passes = {.precision = precision_of(recipe, backend)}};
}

std::shared_ptr<const WordEnds> word_ends_of(const Recipe& recipe, const Tokenizer& tokenizer) {
  const double share = recipe.training.hide_pieces;
  if (share == 0) {
    return nullptr;
  }
  std::vector<std::string> bytes;
  for (std::size_t i = 0; i < tokenizer.vocab_size(); ++i) {
    const auto id = static_cast<TokenId>(i);
    bytes.push_back(tokenizer.is_special(id) ? "" : tokenizer.bytes_of(id));
  }
  return std::make_shared<WordEnds>(bytes, share, recipe.seed);
}

GrowOptions options_of(const Recipe& recipe, const GrowData& data, const Backend& backend) {
  Json about = to_json(recipe);
  about.set("read", data.fingerprint);
  about.set("device", backend.name());
  about.set("precision", name_of(precision_of(recipe, backend)));
  return {.folder = recipe.resolve(recipe.output),
          .model = folder_of(recipe, data),
          .trainer = trainer_of(recipe, backend),
          .seed = recipe.seed,
          .data = data.parts,
          .heldout = data.heldout,
          .word_ends = word_ends_of(recipe, *data.tokenizer),
          .batch_tokens = recipe.training.batch_rows * recipe.model.context,
          .accumulate = recipe.training.accumulate,
          .evaluate_every = recipe.evaluation.every,
          .evaluation_tokens = recipe.evaluation.tokens,
          .checkpoint_every = recipe.checkpoints.every,
          .keep = recipe.checkpoints.keep,
          .milestones = recipe.checkpoints.milestones,
          .recipe = about.dump()};
}

/// Turns steps into speeds.
class Speed {
 public:
  GrowProgress after(const HistoryRow& row, std::size_t steps) {
    constexpr std::size_t kLately = 20;  // steps
    const Moment now{Clock::now(), row.step, row.tokens};
    if (lately_.empty()) {  // the time before the first step is not known
      lately_.push_back(now);
      return {.row = row, .steps = steps};
    }
    lately_.push_back(now);
    if (lately_.size() > kLately) {
      lately_.pop_front();
    }
    const Moment& then = lately_.front();
    const double seconds = std::chrono::duration<double>(now.when - then.when).count();
    const auto done = static_cast<double>(row.step - then.step);
    return {.row = row,
            .steps = steps,
            .tokens_per_s = static_cast<double>(row.tokens - then.tokens) / seconds,
            .seconds_left = seconds / done * static_cast<double>(steps - row.step)};
  }

 private:
  struct Moment {
    Clock::time_point when;
    std::size_t step = 0;
    std::size_t tokens = 0;
  };
  std::deque<Moment> lately_;
};

/// scores.csv without what was measured at `step` or later, in a run that was not kept.
std::string rows_before(const std::filesystem::path& file, std::size_t step) {
  std::string out = "step,task,kind,split,right,asked\n";
  if (!std::filesystem::exists(file)) {
    return out;
  }
  std::istringstream lines(read_file(file));
  std::string line;
  std::getline(lines, line);
  while (std::getline(lines, line)) {
    if (std::strtoull(line.c_str(), nullptr, 10) < step) {
      out += line + "\n";
    }
  }
  return out;
}

class GrowWatcher final : public GrowObserver {
 public:
  GrowWatcher(GrowView& view, const GrowData& data, const Recipe& recipe, std::stop_token stop)
      : view_(view), data_(data), recipe_(recipe), stop_(std::move(stop)) {}

  void note(std::string_view sentence) override { view_.note(sentence); }
  void stepped(const HistoryRow& row, std::size_t steps) override {
    view_.progress(speed_.after(row, steps));
  }

  void evaluated(Trainer& trainer, const HistoryRow& row) override {
    const std::vector<KindScore> all = scores(trainer, row.step);
    if (!all.empty()) {
      write(row.step, all);
      view_.scores(row.step, all);
    }
  }

 private:
  /// Empty if it was interrupted: the checkpoint that follows matters more.
  std::vector<KindScore> scores(Trainer& trainer, std::size_t step) {
    const Model& model = *trainer.model();
    const Asked asked{trainer.backend(), model, *data_.tokenizer,
                      model.default_precision(trainer.backend())};
    try {
      return score_world(asked, data_.tasks,
                         {.questions = recipe_.evaluation.questions,
                          .seed = recipe_.seed,
                          .stop = {data_.eos},
                          .cancel = stop_});
    } catch (const Error& error) {
      if (error.code() != ErrorCode::Cancelled) {
        throw;
      }
      view_.note(fmt::format("step {}: interrupted, so its scores are left out", step));
      return {};
    }
  }

  void write(std::size_t step, const std::vector<KindScore>& scores) const {
    const auto file = training_folder(recipe_.resolve(recipe_.output)) / "scores.csv";
    std::string text = rows_before(file, step);
    for (const KindScore& s : scores) {
      text +=
          fmt::format("{},{},{},{},{},{}\n", step, s.task, s.kind, name_of(s.split), s.right, s.n);
    }
    write_file(file, text);
  }

  GrowView& view_;
  const GrowData& data_;
  const Recipe& recipe_;
  std::stop_token stop_;
  Speed speed_;
};

std::size_t parameters_of(const Architecture& architecture) {
  std::size_t count = 0;
  for (const ParameterSpec& spec : fresh_parameters(model_config(architecture))) {
    count +=
        std::accumulate(spec.shape.begin(), spec.shape.end(), std::size_t{1}, std::multiplies<>());
  }
  return count;
}

Recipe recipe_of(const GrowRequest& request) {
  check(request.recipe && !request.recipe->empty(), "name a recipe, such as recipe.yaml");
  Recipe recipe = load_recipe(*request.recipe);
  if (request.steps) {
    check(*request.steps != 0, "--steps: must be at least 1");
    recipe.training.steps = *request.steps;
    recipe.training.tokens = 0;
  }
  if (!request.output.empty()) {
    recipe.output = std::filesystem::absolute(request.output).string();
  }
  return recipe;
}

}  // namespace

const FieldTable<GrowRequest>& grow_fields() {
  static const FieldTable<GrowRequest> table = {
      {{.name = "recipe",
        .help = "what to grow, a YAML file (docs/grow.md)",
        .value = "RECIPE",
        .positional = true},
       &GrowRequest::recipe},
      {{.name = "resume", .help = "go on from the last checkpoint"}, &GrowRequest::resume},
      {{.name = "steps",
        .help = "make so many steps instead of the recipe's",
        .min = 1,
        .max = kMostSteps},
       &GrowRequest::steps},
      {{.name = "device",
        .help = "where to compute: cpu or ref (slow, exact)",
        .value = "DEVICE",
        .choices = {"cpu", "ref"}},
       &GrowRequest::device},
      {{.name = "threads",
        .help = "threads to compute with (default: all cores)",
        .letter = 't',
        .min = 1,
        .max = 1024},
       &GrowRequest::threads},
  };
  return table;
}

GrowOutcome grow_recipe(const GrowRequest& request, GrowView& view, const std::stop_token& stop) {
  const auto start = Clock::now();
  if (request.threads) {
    set_threads(static_cast<int>(*request.threads));
  }
  const Recipe recipe = recipe_of(request);
  const MakeBackend make = [&] { return make_backend(request.device); };
  const GrowData data = prepare_data(recipe);
  const GrowOptions options = options_of(recipe, data, *make());
  const std::size_t parameters = parameters_of(options.model.architecture);
  view.note(
      fmt::format("{}: {} parameters, a vocabulary of {}, {} steps of {} tokens, products in {}",
                  options.folder.string(), parameters, data.tokenizer->vocab_size(),
                  options.trainer.schedule.steps, options.batch_tokens * options.accumulate,
                  name_of(options.trainer.passes.precision)));
  GrowWatcher observer(view, data, recipe, stop);
  GrowResult result = grow(make, options, beginning_of(request), observer, stop);
  return {.folder = options.folder,
          .parameters = parameters,
          .vocab = data.tokenizer->vocab_size(),
          .step = result.step,
          .steps = options.trainer.schedule.steps,
          .finished = result.finished,
          .history = std::move(result.history),
          .seconds = seconds_since(start)};
}

Json to_json(const GrowOutcome& outcome) {
  const auto number = [](double x) { return std::isfinite(x) ? Json(x) : Json(); };
  const bool any = !outcome.history.empty();
  return Json::object({{"folder", outcome.folder.string()},
                       {"parameters", outcome.parameters},
                       {"vocab", outcome.vocab},
                       {"step", outcome.step},
                       {"steps", outcome.steps},
                       {"finished", outcome.finished},
                       {"loss", any ? number(outcome.history.back().loss) : Json()},
                       {"heldout_loss", any ? number(outcome.history.back().heldout) : Json()},
                       {"seconds", outcome.seconds}});
}

}  // namespace cajal
