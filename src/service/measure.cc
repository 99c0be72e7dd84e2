#include "service/measure.h"

#include <filesystem>

#include <fmt/format.h>

#include "base/error.h"
#include "corpus/world/world.h"
#include "service/asked.h"
#include "service/corpus.h"

namespace cajal {
namespace {

constexpr std::string_view kText = "a corpus is text";

namespace fs = std::filesystem;

constexpr std::size_t kProbed = 1000;  // questions of each kind and split

FieldTable<MeasureRequest> measure_own_fields() {
  return {
      {dictionary_field(), &MeasureRequest::dictionary},
      {{.name = "corpus",
        .help = "text to measure on: .jsonl with a \"text\", or plain (repeatable)",
        .value = "FILE"},
       &MeasureRequest::corpus},
      {{.name = "world",
        .help = "ask what the specimen learns with all layers replaced, and find the feature for "
                "each truth of a task's documents, or of all tasks'",
        .value = "TASK",
        .bare = true},
       &MeasureRequest::world},
      {{.name = "tokens", .help = "tokens of the corpus to read", .min = 2},
       &MeasureRequest::tokens},
      {{.name = "splice_tokens", .help = "of those, tokens to run with layers replaced", .min = 1},
       &MeasureRequest::splice_tokens},
      {{.name = "documents", .help = "documents of the world to look for truths in", .min = 2},
       &MeasureRequest::documents},
      {{.name = "questions", .help = "questions of each kind to ask (0: all)"},
       &MeasureRequest::questions},
      {{.name = "probes", .help = "with --world, linear probes at the dictionary's points, too"},
       &MeasureRequest::probes},
      {{.name = "seed", .help = "chooses documents and questions"}, &MeasureRequest::seed},
      {{.name = "baseline",
        .help = "folder with learned baselines: random-decoder (a dictionary), and random-model "
                "with model and dictionary",
        .value = "DIR"},
       &MeasureRequest::baseline},
      {{.name = "svg", .help = "write a picture to this file", .value = "FILE"},
       &MeasureRequest::svg},
      {trust_field(), &MeasureRequest::trust},
  };
}

MeasureOptions options_of(const Session& session, const MeasureRequest& request,
                          const std::stop_token& cancel, const MeasureProgress& progress) {
  return {.bos = session.special.bos,
          .tokens = request.tokens,
          .splice_tokens = request.splice_tokens,
          .cancel = cancel,
          .progress = [&progress](std::string_view what, std::size_t tokens) {
            if (progress) {
              progress(fmt::format("{}: {} tokens", what, tokens));
            }
          }};
}

/// A dictionary that was learned as a baseline, measured as the other was.
BaselineResult learned(const Asked& asked, const fs::path& folder, std::string name,
                       std::string how, const DocumentSource& corpus, MeasureOptions options) {
  if (!fs::is_directory(folder)) {
    return {.name = std::move(name),
            .how = std::move(how),
            .why_not = fmt::format("there is no {}; learn one by a recipe and give --baseline",
                                   folder.empty() ? "folder for it" : folder.string())};
  }
  options.baselines = false;
  const auto dictionary = open_dictionary(folder.string()).dictionary;
  DictionaryResult result = measure_dictionary(asked, *dictionary, corpus, options);
  return {.name = std::move(name),
          .how = std::move(how),
          .layers = std::move(result.layers),
          .total = std::move(result.total),
          .splice = std::move(result.splice)};
}

void add_learned(Session& session, const MeasureRequest& request, const DocumentSource& corpus,
                 const MeasureOptions& options, DictionaryResult& result) {
  const fs::path folder = request.baseline;
  const bool given = !request.baseline.empty();
  result.baselines.push_back(
      learned(asked_of(session, kText), given ? folder / "random-decoder" : fs::path(),
              "random_decoder", "a trained encoder, a frozen random decoder", corpus, options));
  const char* how = "a dictionary of a randomly initialised copy of the model, measured there";
  const fs::path copy = folder / "random-model" / "model";
  if (!given || !fs::is_directory(copy)) {
    result.baselines.push_back(
        {.name = "random_model",
         .how = how,
         .why_not = "there is no random-model in a --baseline folder; learn one by a recipe"});
    return;
  }
  ModelOptions other = static_cast<const ModelOptions&>(request);
  other.model = copy.string();
  other.vocab.clear();
  Session random = open_session(other);
  result.baselines.push_back(learned(asked_of(random, kText),
                                     folder / "random-model" / "dictionary", "random_model", how,
                                     corpus, options));
}

DictionaryResult on_corpus(Session& session, const MeasureRequest& request,
                           const Dictionary& dictionary, const std::stop_token& cancel,
                           const MeasureProgress& progress) {
  const DocumentSource corpus = source_of(open_corpus(request.corpus));
  const MeasureOptions options = options_of(session, request, cancel, progress);
  DictionaryResult out = measure_dictionary(asked_of(session, kText), dictionary, corpus, options);
  add_learned(session, request, corpus, options, out);
  return out;
}

void on_world(Session& session, const MeasureRequest& request, const Dictionary& dictionary,
              const std::stop_token& cancel, const MeasureProgress& progress,
              MeasureResult& result) {
  const Asked asked = asked_of(session, kText);
  const World world;
  const std::vector<const Task*> tasks = world.tasks_named(*request.world);
  const auto say = [&](std::string_view what) {
    if (progress) {
      progress(what);
    }
  };
  result.scores = score_replaced(asked, dictionary, session.special.bos, tasks,
                                 {.questions = request.questions,
                                  .seed = request.seed,
                                  .misses = 0,
                                  .stop = session.special.stop,
                                  .cancel = cancel,
                                  .progress = [&](std::size_t done, std::size_t total) {
                                    say(fmt::format("{} of {} questions", done, total));
                                  }});
  result.truth = find_truth_features(
      asked, dictionary, world_documents(tasks, request.seed, request.documents),
      {.bos = session.special.bos, .cancel = cancel, .progress = [&](std::size_t tokens) {
         say(fmt::format("looking for truths: {} tokens", tokens));
       }});
  for (const Task* task : tasks) {
    if (!request.probes) {
      break;
    }
    std::vector<ProbeCurve> curves =
        probe_task(asked, *task,
                   {.questions = request.questions == 0 ? kProbed : request.questions,
                    .seed = request.seed,
                    .cancel = cancel,
                    .points = probe_points(dictionary, session.model->config()),
                    .progress = say});
    std::move(curves.begin(), curves.end(), std::back_inserter(result.probes));
  }
}

/// Throws NotFound for what would be missed only after the corpus was measured.
void check_names(const MeasureRequest& request) {
  if (request.world) {
    World().tasks_named(*request.world);
  }
  if (!request.baseline.empty() && !fs::is_directory(request.baseline)) {
    fail(ErrorCode::NotFound, "{}: no such folder of baselines", request.baseline);
  }
}

}  // namespace

const FieldTable<MeasureRequest>& measure_fields() {
  static const FieldTable<MeasureRequest> table = [] {
    auto out = model_fields<MeasureRequest>();
    append(out, measure_own_fields());
    return out;
  }();
  return table;
}

void check_measure(const MeasureRequest& request) {
  check(!request.corpus.empty() || request.world,
        "there is nothing to measure on: give --corpus FILE, --world, or both");
  check(request.baseline.empty() || !request.corpus.empty(),
        "--baseline is measured on a corpus: give --corpus FILE, too");
  check(request.svg.empty() || !request.corpus.empty(),
        "--svg is a picture of what is measured on a corpus: give --corpus FILE, too");
}

MeasureResult measure(Session& session, const MeasureRequest& request,
                      const std::stop_token& cancel, const MeasureProgress& progress) {
  check_measure(request);
  check_names(request);
  const OpenedDictionary opened =
      open_dictionary_for(session, request.dictionary, {}, request.trust, cancel);
  session.notes.insert(session.notes.end(), opened.notes.begin(), opened.notes.end());
  MeasureResult out;
  for (const DictionaryLayer& layer : opened.dictionary->layers()) {
    out.model_layers.push_back(layer.layer);
  }
  if (!request.corpus.empty()) {
    out.corpus = on_corpus(session, request, *opened.dictionary, cancel, progress);
  }
  if (request.world) {
    on_world(session, request, *opened.dictionary, cancel, progress, out);
  }
  out.provenance = session.provenance();
  opened.describe(out.provenance);
  out.provenance.seed = request.seed;
  return out;
}

}  // namespace cajal
