#include "corpus/world/world.h"

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

}  // namespace cajal
