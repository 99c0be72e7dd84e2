// The world that the specimen grows up in: all tasks. corpus/mixture.h makes a stream of several.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "corpus/world/task.h"

namespace cajal {

/// Counts up when the same seed gives other texts or questions than before: what a model learns and
/// is asked. Spans, the labels of what is true of a text, may change under the same version; who
/// compares them keeps the commit too.
inline constexpr int kWorldVersion = 2;

class World {
 public:
  /// Throws CorruptData, naming file and line, if a table is not what its task needs.
  explicit World(const Tables& tables = Tables::embedded());

  /// In the order of the registry.
  const std::vector<std::unique_ptr<Task>>& tasks() const noexcept { return tasks_; }
  /// Throws NotFound naming the nearest, and all there are.
  const Task& task(std::string_view name) const;
  /// That one; with an empty name all of the default mix.
  std::vector<const Task*> tasks_named(std::string_view name) const;

 private:
  std::vector<std::unique_ptr<Task>> tasks_;
};

}  // namespace cajal
