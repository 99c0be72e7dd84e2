// Ideas against the truth of the specimen's world. $CAJAL_TRANSCODERS and $CAJAL_ATLAS name others
// than the specimen's own; $CAJAL_QUESTIONS how many of each task are asked.
#include "service/grouping.h"

#include <cstdlib>
#include <iostream>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "service/specimen.h"
#include "testing/golden.h"

namespace cajal {
namespace {

std::string named(const char* variable, std::filesystem::path (*otherwise)()) {
  const char* value = std::getenv(variable);
  try {
    return value == nullptr ? otherwise().string() : value;
  } catch (const Error&) {
    return {};
  }
}

/// "no feature 3, found 7".
std::string steps_of(const GroupingOfTask& task) {
  std::string out;
  for (std::size_t i = 0; i < kHiddenSteps; ++i) {
    if (task.steps[i] != 0) {
      out += fmt::format("{}{} {}", out.empty() ? "" : ", ",
                         name_of(HiddenStep{static_cast<std::uint8_t>(i)}), task.steps[i]);
    }
  }
  return out;
}

std::string line(const GroupingOfTask& task) {
  return fmt::format(
      "{:<13} purity {:3.0f} % ({:3.0f} % strictly)  hidden step found {} of {}, of {} prompts; "
      "any "
      "hidden thing {} of {}\n              hidden step: {}; a group stands for it in {}, or right "
      "before the answer {}\n",
      task.task, 100.0 * task.purity.share(), 100.0 * task.strict_purity.share(), task.found,
      task.can_be_found, task.prompts, task.found_any, task.can_be_found_any, steps_of(task),
      task.standing, task.standing_or_asked);
}

TEST(GroupingOnTheSpecimen, IdeasArePureInWhatIsKnownToBeTrue) {
  GroupingRequest request;
  request.dictionary = named("CAJAL_TRANSCODERS", find_specimen_dictionary);
  request.atlas = named("CAJAL_ATLAS", find_specimen_atlas);
  const char* questions = std::getenv("CAJAL_QUESTIONS");
  request.questions = questions == nullptr ? 2U : static_cast<std::size_t>(std::atoi(questions));
  request.documents = questions == nullptr ? 40U : 1500U;
  const bool there =
      std::filesystem::exists(request.dictionary) && std::filesystem::exists(request.atlas);
  if (!testing::have_or_skip(there, "specimen", "there are no transcoders or no atlas of them")) {
    return;
  }
  Session session = open_session(request);
  const GroupingFigures figures = measure_grouping(session, request);
  std::size_t standing = 0;
  for (const GroupingOfTask& task : figures.tasks) {
    std::cout << line(task);
    standing += task.standing_or_asked;
  }
  std::cout << fmt::format("all: purity {:.3f} ({:.3f} strictly), ideas hold {:.3f}, {:.3f} s\n",
                           figures.purity.share(), figures.strict_purity.share(), figures.held,
                           figures.seconds);
  EXPECT_GE(figures.purity.share(), 0.8);
  EXPECT_GE(figures.strict_purity.share(), 0.75);
  EXPECT_GE(figures.held, 0.8);
  EXPECT_GT(standing, 0U);
}

}  // namespace
}  // namespace cajal
