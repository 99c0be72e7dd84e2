#include "corpus/world/world.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "corpus/world/registry.h"

namespace cajal {

World::World(const Tables& tables) {
  for (const MakeTask make : task_registry()) {
    tasks_.push_back(make(tables));
  }
}

const Task& World::task(std::string_view name) const {
  std::string names;
  for (const auto& task : tasks_) {
    if (task->name() == name) {
      return *task;
    }
    names += fmt::format("{}{}", names.empty() ? "" : ", ", task->name());
  }
  fail(ErrorCode::NotFound, "the world has no task '{}'; these are: {}", name, names);
}

Mix default_mix(const World& world) {
  Mix out;
  for (const auto& task : world.tasks()) {
    out.emplace_back(task->name(), task->weight());
  }
  return out;
}

MixedDocuments::MixedDocuments(const World& world, const Mix& mix, std::uint64_t seed)
    : seed_(seed) {
  double sum = 0.0;
  for (const auto& [name, weight] : mix) {
    check(std::isfinite(weight) && weight >= 0.0,
          "the mix gives task '{}' a weight of {}; it must be a number from 0 on", name, weight);
    sum += weight;
    tasks_.push_back(&world.task(name));
    ends_.push_back(sum);
  }
  check(sum > 0.0 && std::isfinite(sum), "the mix has no task with a weight above 0");
  for (double& end : ends_) {
    end /= sum;
  }
}

const Task& MixedDocuments::task_at(std::uint64_t index) const {
  const double draw = random_uniform(seed_, name_hash("mix"), index);
  const auto found = std::upper_bound(ends_.begin(), ends_.end(), draw);
  const auto place = std::min<std::ptrdiff_t>(found - ends_.begin(), std::ssize(tasks_) - 1);
  return *tasks_[static_cast<std::size_t>(place)];
}

Document MixedDocuments::at(std::uint64_t index) const {
  return task_at(index).generate(Split::Train, seed_, index);
}

}  // namespace cajal
