#include "service/grouping.h"

#include <algorithm>
#include <chrono>
#include <map>

#include <fmt/format.h>

#include "base/cancel.h"
#include "base/error.h"
#include "corpus/world/world.h"
#include "explain/build_chart.h"
#include "measure/world_truths.h"
#include "service/asked.h"
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

/// Whether a label is a truth that counts.
bool is_known(const FeatureLabel& label) {
  return label.source == LabelSource::Truth && label.score >= kLeastF1;
}

/// Features by the truth that they stand for, with the activation from which they do.
using KnownFeatures = std::map<std::string, std::map<FeatureId, double>>;

KnownFeatures known_features(const AtlasStore& atlas) {
  KnownFeatures out;
  atlas.visit([&](const FeaturePage& page) {
    if (is_known(page.label)) {
      out[page.label.text][page.id] = page.label.from;
    }
    return true;
  });
  return out;
}

/// The groups of all prompts, each to be taken as one feature.
class GroupsOfPrompts {
 public:
  /// Groups of one more prompt, which hides this.
  void add(const IdeaSources& sources, std::span<const FeatureGroup> groups, const Span& hidden,
           const std::string& task) {
    for (const FeatureGroup& group : groups) {
      std::vector<JointMember>& members = groups_.emplace_back();
      for (const std::uint32_t node : group.nodes) {
        const ActiveFeature& f = sources.graph.feature(node);
        members.push_back({.site = sources.dictionary->index_of(f.layer).value(),
                           .feature = f.feature,
                           .weight = std::max(sources.flow.node_shares()[node], 1e-12),
                           .full = static_cast<double>(f.activation)});
      }
      prompt_of_.push_back(prompts_.size());
    }
    prompts_.push_back({.task = task, .kind = hidden.kind, .value = hidden.value});
  }

  JointFeatures joint() const { return JointFeatures(groups_); }

  /// `found`: groups and what they stand for.
  void count(const std::vector<TruthLabel>& found, std::vector<GroupingOfTask>& tasks) const {
    std::vector<bool> thought(prompts_.size());
    std::vector<bool> asked(prompts_.size());
    for (const TruthLabel& label : found) {
      const std::size_t p = prompt_of_[label.feature];
      const Prompt& prompt = prompts_[p];
      if (label.value == prompt.value) {
        thought[p] = thought[p] || label.kind == prompt.kind;
        asked[p] = asked[p] || label.kind == prompt.kind + ".asked";
      }
    }
    for (std::size_t p = 0; p < prompts_.size(); ++p) {
      GroupingOfTask& task = *std::ranges::find(tasks, prompts_[p].task, &GroupingOfTask::task);
      task.standing += thought[p] ? 1U : 0U;
      task.standing_or_asked += thought[p] || asked[p] ? 1U : 0U;
    }
  }

 private:
  struct Prompt {
    std::string task;
    std::string kind;
    std::string value;
  };
  std::vector<std::vector<JointMember>> groups_;
  std::vector<std::size_t> prompt_of_;  // of each group
  std::vector<Prompt> prompts_;
};

class Measure {
 public:
  Measure(Session& session, std::shared_ptr<const Dictionary> dictionary, const AtlasStore& atlas)
      : session_(session),
        dictionary_(std::move(dictionary)),
        atlas_(view_of(atlas, session)),
        known_(known_features(atlas)) {}

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
    score(question,
          {.replacement = replacement,
           .sources = sources,
           .kept = kept_features(graph, flow, options.kept),
           .groups = groups},
          task);
  }

  /// What groups stand for, by so many documents of the world.
  void find_standing(const Asked& asked, const DocumentSource& documents, const TruthRun& run,
                     std::vector<GroupingOfTask>& tasks) const {
    groups_.count(find_truths_of(groups_.joint(), kLeastF1, asked, *dictionary_, documents, run),
                  tasks);
  }

  GroupingFigures figures() const {
    GroupingFigures out;
    const double prompts = prompts_ == 0 ? 1.0 : static_cast<double>(prompts_);
    out.held = held_ / prompts;
    out.seconds = seconds_ / prompts;
    return out;
  }

 private:
  /// A question's prompt as it was traced and grouped.
  struct Grouped {
    const LocalReplacement& replacement;
    const IdeaSources& sources;
    std::vector<std::uint32_t> kept;  // nodes that groups are made of
    std::span<const FeatureGroup> groups;
  };

  std::vector<std::string> texts_of(std::span<const TokenId> ids) const {
    std::vector<std::string> out;
    for (const TokenId id : ids) {
      out.push_back(session_.tokenizer->bytes_of(id));
    }
    return out;
  }

  /// `found`: as the groups' score says.
  HiddenStep how_far(const std::string& hidden, const Grouped& prompt, bool found) const {
    const auto known = known_.find(hidden);
    if (known == known_.end()) {
      return HiddenStep::NoFeature;
    }
    const auto stands = [&](const ActiveFeature& f) {
      const auto site = dictionary_->index_of(f.layer);
      const auto at = site ? known->second.find({static_cast<std::uint32_t>(*site), f.feature})
                           : known->second.end();
      return at != known->second.end() && static_cast<double>(f.activation) >= at->second;
    };
    if (std::ranges::none_of(prompt.replacement.features(), stands)) {
      return HiddenStep::Silent;
    }
    const auto stands_at = [&](std::uint32_t node) {
      return stands(prompt.sources.graph.feature(node));
    };
    if (std::ranges::none_of(prompt.kept, stands_at)) {
      return HiddenStep::Unimportant;
    }
    const bool held = std::ranges::any_of(prompt.groups, [&](const FeatureGroup& group) {
      return std::ranges::any_of(group.nodes, stands_at);
    });
    return found ? HiddenStep::Found : held ? HiddenStep::Mixed : HiddenStep::LeftOut;
  }

  /// What a feature stands for where it fires so strongly.
  static TruthOfNode truth_in(const IdeaSources& sources) {
    return [&sources](std::uint32_t node) {
      const auto page = sources.page(node);
      return page && is_known(page->label) ? page->label.text : std::string();
    };
  }

  void score(const Question& question, const Grouped& prompt, GroupingOfTask& task) {
    const GraphFlow& flow = prompt.sources.flow;
    const TruthOfNode truth = truth_in(prompt.sources);
    std::vector<std::string> hidden;
    hidden.reserve(question.hidden.size());
    for (const Span& span : question.hidden) {
      hidden.push_back(label_of(span));
    }
    groups_.add(prompt.sources, prompt.groups, question.hidden.front(), task.task);
    const GroupingScore any = score_grouping(flow, prompt.kept, prompt.groups, truth, hidden);
    hidden.resize(1);
    const GroupingScore first = score_grouping(flow, prompt.kept, prompt.groups, truth, hidden);
    ++task.steps[static_cast<std::size_t>(how_far(hidden.front(), prompt, first.found))];
    add_purity(task.purity, any.purity);
    add_purity(task.strict_purity, any.strict_purity);
    task.found += first.found ? 1U : 0U;
    task.can_be_found += first.can_be_found ? 1U : 0U;
    task.found_any += any.found ? 1U : 0U;
    task.can_be_found_any += any.can_be_found ? 1U : 0U;
    ++task.prompts;
    ++prompts_;
    held_ += share_held(flow, prompt.kept, prompt.groups);
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
  KnownFeatures known_;
  GroupsOfPrompts groups_;
  double held_ = 0.0;
  double seconds_ = 0.0;
  std::size_t prompts_ = 0;
};

/// Documents that training could have seen, one of each task in turn: by the tasks' weights, what
/// few tasks speak of would be too rare to say what stands for it.
DocumentSource as_many_of_each(std::vector<const Task*> tasks, const GroupingRequest& request) {
  return [tasks = std::move(tasks), seed = request.seed,
          count = request.documents](std::uint64_t index) -> std::optional<Document> {
    const std::uint64_t of_task = index / tasks.size();
    if (of_task >= count) {
      return std::nullopt;
    }
    return tasks[index % tasks.size()]->generate(Split::Train, seed, of_task);
  };
}

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

std::string_view name_of(HiddenStep step) noexcept {
  constexpr std::array<std::string_view, kHiddenSteps> kNames = {
      "no feature", "silent", "unimportant", "left out", "mixed", "found"};
  return kNames[static_cast<std::size_t>(step)];
}

GroupingFigures measure_grouping(Session& session, const GroupingRequest& request,
                                 const std::stop_token& cancel,
                                 const std::function<void(std::string_view)>& progress) {
  const Asked asked = asked_of(session, "the world's questions are text");
  const OpenedDictionary dictionary =
      open_dictionary_for(session, request.dictionary, {}, request.trust, cancel);
  const OpenedAtlas atlas = open_atlas(request.atlas);
  Provenance provenance = session.provenance();
  dictionary.describe(provenance);
  check_atlas_is_of(atlas.atlas, provenance);
  Measure measure(session, dictionary.dictionary, atlas.atlas);
  const World world;
  std::vector<GroupingOfTask> tasks;
  for (const Task* task : world.tasks_named(request.task.value_or(""))) {
    GroupingOfTask& of_task = tasks.emplace_back();
    of_task.task = task->name();
    for (const Question& question : questions_of(*task, request)) {
      check_cancelled(cancel);
      measure.add(question, of_task);
      if (progress) {
        progress(fmt::format("{}: {} prompts", of_task.task, of_task.prompts));
      }
    }
  }
  if (request.documents != 0) {
    const TruthRun run = {
        .bos = session.special.bos, .cancel = cancel, .progress = [&](std::size_t tokens) {
          if (progress) {
            progress(fmt::format("what groups stand for: {} tokens", tokens));
          }
        }};
    measure.find_standing(asked, as_many_of_each(world.tasks_named(""), request), run, tasks);
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
