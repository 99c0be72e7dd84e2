#include "corpus/world/world.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace cajal {
namespace {

TEST(World, DocumentsAreTheSameAtEveryCall) {
  const World world;
  for (const auto& task : world.tasks()) {
    EXPECT_EQ(task->generate(Split::Train, 1, 7), task->generate(Split::Train, 1, 7));
    EXPECT_NE(task->generate(Split::Train, 1, 7), task->generate(Split::Train, 2, 7))
        << task->name();
  }
}

TEST(World, AnUnknownTaskIsAnErrorThatNamesTheKnownOnes) {
  const World world;
  EXPECT_THROW(world.task("sum"), Error);
}

}  // namespace
}  // namespace cajal
