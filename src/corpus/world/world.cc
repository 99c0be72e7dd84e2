#include "corpus/world/world.h"

#include <fmt/ranges.h>

#include "base/closest.h"
#include "base/error.h"
#include "corpus/world/registry.h"

namespace cajal {

World::World(const Tables& tables) {
  for (const MakeTask make : task_registry()) {
    tasks_.push_back(make(tables));
  }
}

const Task& World::task(std::string_view name) const {
  std::vector<std::string> names;
  for (const auto& task : tasks_) {
    if (task->name() == name) {
      return *task;
    }
    names.emplace_back(task->name());
  }
  fail(ErrorCode::NotFound, "the world has no task '{}'; did you mean '{}'? There are {}", name,
       closest(name, names), fmt::join(names, ", "));
}

std::vector<const Task*> World::tasks_named(std::string_view name) const {
  if (!name.empty()) {
    return {&task(name)};
  }
  std::vector<const Task*> out;
  for (const auto& task : tasks_) {
    if (task->weight() > 0.0) {
      out.push_back(task.get());
    }
  }
  return out;
}

}  // namespace cajal
