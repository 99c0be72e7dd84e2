// How well explain's ideas agree with the truth of the world, on questions that were held out.
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "explain/grouping_score.h"
#include "service/options.h"
#include "service/session.h"

namespace cajal {

struct GroupingRequest : ModelOptions {
  std::string dictionary;           // a path; empty: the specimen's
  std::string atlas;                // its atlas, which knows the features' truths; likewise
  std::optional<std::string> task;  // nothing: all tasks of the default mix
  std::size_t questions = 10;       // held out, of each task
  std::uint64_t seed = 0;           // chooses them, and documents
  std::size_t documents = 0;        // of each task, to find out what groups stand for; 0: do not
  bool trust = false;
};

/// How far the hidden step of a prompt came, from the dictionary to the chart. A feature stands for
/// it if its label in the atlas is that truth with F1 of 0.5 or more.
enum class HiddenStep : std::uint8_t {
  NoFeature,    // none of the dictionary does
  Silent,       // none that does fires, as strongly as its label is for
  Unimportant,  // it fires, and is below the threshold of nodes that are grouped
  LeftOut,      // it is grouped, and its group is none of those that are shown
  Mixed,        // it is in a group of which most stands for something else
  Found,        // a group is the hidden step
};
inline constexpr std::size_t kHiddenSteps = 6;
/// "no feature", "silent", "unimportant", "left out", "mixed", "found".
std::string_view name_of(HiddenStep step) noexcept;

/// Of one task.
struct GroupingOfTask {
  std::string task;
  std::size_t prompts = 0;
  Purity purity;
  Purity strict_purity;
  /// Prompts whose hidden step (the first thing that a question hides: the state, the rhyme word)
  /// is a group of its own, and in which some kept feature stands for it at all.
  std::size_t found = 0;
  std::size_t can_be_found = 0;
  /// Prompts of which one group, taken as one feature (measure/joint_features.h), stands for the
  /// hidden step with F1 of 0.5 or more: where it is thought, or, the second, where it is thought
  /// or right before an answer ("state.asked").
  std::size_t standing = 0;
  std::size_t standing_or_asked = 0;
  std::array<std::size_t, kHiddenSteps> steps = {};  // prompts by how far the hidden step came
  /// The same for any of the things that a question hides.
  std::size_t found_any = 0;
  std::size_t can_be_found_any = 0;
};

struct GroupingFigures {
  std::vector<GroupingOfTask> tasks;
  Purity purity;         // over all tasks; groups of two members or more
  Purity strict_purity;  // groups with two members or more whose truth is known
  double held = 0.0;     // of kept influence by ideas, the mean over prompts
  double seconds = 0.0;  // of grouping and naming, the mean over prompts
  std::vector<std::string> notes;
};

/// Traces each question's likeliest next token, as `cajal trace --rows auto` would, and groups with
/// truth labels hidden. Throws Unsupported without a tokenizer, InvalidArgument if atlas and
/// dictionary do not belong together, Cancelled, and what tracing throws.
GroupingFigures measure_grouping(Session& session, const GroupingRequest& request,
                                 const std::stop_token& cancel = {},
                                 const std::function<void(std::string_view)>& progress = nullptr);

}  // namespace cajal
