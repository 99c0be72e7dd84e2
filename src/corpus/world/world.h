// The world that the specimen grows up in: all tasks, and the corpus that a mix of them makes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "corpus/document.h"
#include "corpus/world/task.h"

namespace cajal {

/// Counts up when the same seed gives other bytes than before.
inline constexpr int kWorldVersion = 1;

class World {
 public:
  /// Throws CorruptData, naming file and line, if a table is not what its task needs.
  explicit World(const Tables& tables = Tables::embedded());

  /// In the order of the registry.
  const std::vector<std::unique_ptr<Task>>& tasks() const noexcept { return tasks_; }
  /// Throws NotFound naming the tasks there are.
  const Task& task(std::string_view name) const;

 private:
  std::vector<std::unique_ptr<Task>> tasks_;
};

/// Task names and their weights: shares of documents, of any sum.
using Mix = std::vector<std::pair<std::string, double>>;
Mix default_mix(const World& world);

/// A training corpus without end, readable at any index by any thread. `world` must outlive it.
class MixedDocuments {
 public:
  /// Throws NotFound for an unknown task, InvalidArgument for a weight below zero or a sum of zero.
  MixedDocuments(const World& world, const Mix& mix, std::uint64_t seed);
  Document at(std::uint64_t index) const;
  /// Whose document that is.
  const Task& task_at(std::uint64_t index) const;

 private:
  std::vector<const Task*> tasks_;
  std::vector<double> ends_;  // running sums of shares, the last one 1
  std::uint64_t seed_;
};

}  // namespace cajal
