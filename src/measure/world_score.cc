#include "measure/world_score.h"

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

#include "base/random.h"
#include "corpus/world/dice.h"
#include "measure/continuations.h"

namespace cajal {
namespace {

/// The questions of one kind, and where their score goes.
struct Group {
  const Task* task = nullptr;
  KindScore score;
  std::vector<Question> questions;
};

std::optional<double> aim_of(const Task& task, std::string_view kind, Split split) {
  for (const Aim& aim : task.aims()) {
    if (aim.kind == kind && aim.split == split) {
      return aim.at_least;
    }
  }
  return std::nullopt;
}

Group& group_of(std::vector<Group>& groups, const Task& task, const std::string& kind,
                Split split) {
  const auto found = std::find_if(groups.begin(), groups.end(),
                                  [&](const Group& group) { return group.score.kind == kind; });
  if (found != groups.end()) {
    return *found;
  }
  groups.push_back({.task = &task,
                    .score = {.task = std::string(task.name()),
                              .kind = kind,
                              .split = split,
                              .threshold = aim_of(task, kind, split)},
                    .questions = {}});
  return groups.back();
}

std::vector<Group> groups_of(const Task& task, Split split) {
  std::vector<Group> out;
  for (Question& question : task.questions(split)) {
    group_of(out, task, question.kind, split).questions.push_back(std::move(question));
  }
  return out;
}

void keep_chosen(Group& group, const WorldScoreOptions& options) {
  const std::string stream =
      fmt::format("{}/{}/{}", group.score.task, group.score.kind, name_of(group.score.split));
  std::vector<Question> kept;
  for (const std::size_t i :
       chosen(group.questions.size(), options.questions, options.seed, stream)) {
    kept.push_back(std::move(group.questions[i]));
  }
  group.questions = std::move(kept);
}

std::vector<Group> groups_of(std::span<const Task* const> tasks, const WorldScoreOptions& options) {
  std::vector<Group> out;
  for (const Task* task : tasks) {
    for (const Split split : {Split::Heldout, Split::Train}) {
      if (options.split.value_or(split) != split) {
        continue;
      }
      for (Group& group : groups_of(*task, split)) {
        const bool aimed = options.split || split == Split::Heldout || group.score.threshold;
        if (aimed) {
          keep_chosen(group, options);
          out.push_back(std::move(group));
        }
      }
    }
  }
  return out;
}

void judge(Group& group, const Question& question, std::size_t misses, const std::string& said) {
  ++group.score.n;
  if (group.task->accepts(question, said)) {
    ++group.score.right;
  } else if (group.score.misses.size() < misses) {
    group.score.misses.push_back(
        {.prompt = question.prompt, .answer = question.answer, .said = said});
  }
}

}  // namespace

std::size_t wanted_bytes(const Question& question) {
  return question.longest != 0 ? question.longest : question.answer.size();
}

std::vector<std::size_t> chosen(std::size_t total, std::size_t count, std::uint64_t seed,
                                std::string_view stream) {
  std::vector<std::size_t> out(total);
  std::iota(out.begin(), out.end(), std::size_t{0});
  if (count == 0 || count >= total) {
    return out;
  }
  const std::uint64_t hash = name_hash(stream);
  for (std::size_t i = 0; i < count; ++i) {  // the beginning of a shuffle (Fisher and Yates)
    std::swap(out[i], out[i + random_bits(seed, hash, i) % (total - i)]);
  }
  out.resize(count);
  std::sort(out.begin(), out.end());
  return out;
}

std::vector<KindScore> score_world(const Asked& asked, std::span<const Task* const> tasks,
                                   const WorldScoreOptions& options) {
  std::vector<Group> groups = groups_of(tasks, options);
  std::vector<ShortPrompt> prompts;
  for (Group& group : groups) {
    for (const Question& question : group.questions) {
      prompts.push_back({asked.tokenizer.encode_ids(question.prompt), wanted_bytes(question)});
      group.score.too_long +=
          static_cast<std::size_t>(prompts.back().ids.size() > asked.model.config().context);
    }
  }
  ContinuationOptions how{.precision = asked.precision,
                          .points = asked.points,
                          .stop = options.stop,
                          .cancel = options.cancel,
                          .progress = nullptr};
  if (options.progress) {
    how.progress = [&](std::size_t done) { options.progress(done, prompts.size()); };
  }
  const std::vector<std::string> said =
      greedy_continuations(asked.backend, asked.model, asked.tokenizer, prompts, how);
  std::vector<KindScore> out;
  std::size_t next = 0;
  for (Group& group : groups) {
    for (const Question& question : group.questions) {
      judge(group, question, options.misses, said[next++]);
    }
    out.push_back(std::move(group.score));
  }
  return out;
}

}  // namespace cajal
