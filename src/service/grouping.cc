#include "service/grouping.h"

#include <chrono>

#include <fmt/format.h>

#include "base/error.h"
#include "corpus/world/world.h"
#include "explain/build_chart.h"
#include "measure/world_score.h"
#include "service/atlas_view.h"
#include "service/open_atlas.h"
#include "service/open_dictionary.h"
#include "trace/trace.h"

namespace cajal {
namespace {

constexpr double kLeastF1 = 0.5;  // of a feature's truth, to count

std::string label_of(const Span& span) {
  return fmt::format("{}={}", span.kind, span.value);
}

class Measure {
 public:
  Measure(Session& session, std::shared_ptr<const Dictionary> dictionary, AtlasView atlas)
      : session_(session), dictionary_(std::move(dictionary)), atlas_(std::move(atlas)) {}

  void add(const Question& question, GroupingOfTask& task) {
    const std::vector<TokenId> ids = session_.tokenizer->encode_ids(question.prompt);
    LocalReplacement replacement(*session_.backend, session_.model, dictionary_, ids,
                                 {.precision = session_.precision});
    const AttributionGraph graph =
        trace(*session_.backend, replacement, salient_logits(replacement, ids.size() - 1, 1),
              rows_as_needed());
    const auto begin = std::chrono::steady_clock::now();
    const GraphFlow flow(graph);
    const std::vector<std::string> texts = texts_of(ids);
    const std::vector<PromptWord> words = words_of(texts);
    const IdeaSources sources = {.graph = graph,
                                 .flow = flow,
                                 .dictionary = dictionary_.get(),
                                 .tokens = texts,
                                 .words = words,
                                 .atlas = atlas_};
    const IdeaOptions options = {.truth = TruthLabels::Hidden};
    const std::vector<FeatureGroup> groups = find_ideas(sources, options);
    seconds_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    score(question, sources, groups, options, task);
  }

  GroupingFigures figures() const {
    GroupingFigures out;
    const double prompts = prompts_ == 0 ? 1.0 : static_cast<double>(prompts_);
    out.held = held_ / prompts;
    out.seconds = seconds_ / prompts;
    return out;
  }

 private:
  std::vector<std::string> texts_of(std::span<const TokenId> ids) const {
    std::vector<std::string> out;
    for (const TokenId id : ids) {
      out.push_back(session_.tokenizer->bytes_of(id));
    }
    return out;
  }

  void score(const Question& question, const IdeaSources& sources,
             std::span<const FeatureGroup> groups, const IdeaOptions& options,
             GroupingOfTask& task) {
    const std::vector<std::uint32_t> kept =
        kept_features(sources.graph, sources.flow, options.kept);
    const TruthOfNode truth = [&](std::uint32_t node) {
      const auto page = sources.page(node);
      const bool counts =
          page && page->label.source == LabelSource::Truth && page->label.score >= kLeastF1;
      return counts ? page->label.text : std::string();
    };
    std::vector<std::string> hidden;
    for (const Span& span : question.hidden) {
      hidden.push_back(label_of(span));
    }
    const GroupingScore any = score_grouping(sources.flow, kept, groups, truth, hidden);
    hidden.resize(1);
    const GroupingScore first = score_grouping(sources.flow, kept, groups, truth, hidden);
    add_purity(task.purity, any.purity);
    add_purity(task.strict_purity, any.strict_purity);
    task.found += first.found ? 1U : 0U;
    task.can_be_found += first.can_be_found ? 1U : 0U;
    task.found_any += any.found ? 1U : 0U;
    task.can_be_found_any += any.can_be_found ? 1U : 0U;
    ++task.prompts;
    ++prompts_;
    held_ += share_held(sources.flow, kept, groups);
  }

 public:
  static void add_purity(Purity& to, const Purity& from) {
    to.pure += from.pure;
    to.labelled += from.labelled;
  }

 private:
  Session& session_;
  std::shared_ptr<const Dictionary> dictionary_;
  AtlasView atlas_;
  double held_ = 0.0;
  double seconds_ = 0.0;
  std::size_t prompts_ = 0;
};

/// Held-out questions that hide something.
std::vector<Question> questions_of(const Task& task, const GroupingRequest& request) {
  std::vector<Question> all = task.questions(Split::Heldout);
  std::erase_if(all, [](const Question& question) { return question.hidden.empty(); });
  std::vector<Question> out;
  for (const std::size_t i : chosen(all.size(), request.questions, request.seed, task.name())) {
    out.push_back(std::move(all[i]));
  }
  return out;
}

}  // namespace

GroupingFigures measure_grouping(Session& session, const GroupingRequest& request,
                                 const std::stop_token& cancel,
                                 const std::function<void(std::string_view)>& progress) {
  if (session.tokenizer == nullptr || session.names_only) {
    fail(ErrorCode::Unsupported,
         "{}: the world's questions are text, and this model has no tokenizer", session.name);
  }
  const OpenedDictionary dictionary =
      open_dictionary_for(session, request.dictionary, {}, request.trust, cancel);
  const OpenedAtlas atlas = open_atlas(request.atlas);
  Provenance provenance = session.provenance();
  dictionary.describe(provenance);
  check_atlas_is_of(atlas.atlas, provenance);
  Measure measure(session, dictionary.dictionary, view_of(atlas.atlas, session));
  const World world;
  std::vector<GroupingOfTask> tasks;
  for (const Task* task : world.tasks_named(request.task.value_or(""))) {
    GroupingOfTask& of_task = tasks.emplace_back();
    of_task.task = task->name();
    for (const Question& question : questions_of(*task, request)) {
      if (cancel.stop_requested()) {
        fail(ErrorCode::Cancelled, "interrupted");
      }
      measure.add(question, of_task);
      if (progress) {
        progress(fmt::format("{}: {} prompts", of_task.task, of_task.prompts));
      }
    }
  }
  GroupingFigures out = measure.figures();
  for (const GroupingOfTask& task : tasks) {
    Measure::add_purity(out.purity, task.purity);
    Measure::add_purity(out.strict_purity, task.strict_purity);
  }
  out.tasks = std::move(tasks);
  out.notes = dictionary.notes;
  out.notes.insert(out.notes.end(), atlas.notes.begin(), atlas.notes.end());
  return out;
}

}  // namespace cajal
