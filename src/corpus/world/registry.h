// The table of tasks. Adding one: its file beside this, a line here and a line in registry.cc.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "corpus/world/task.h"

namespace cajal {

using MakeTask = std::unique_ptr<Task> (*)(const Tables& tables);

std::span<const MakeTask> task_registry();

std::unique_ptr<Task> make_countries(const Tables& tables);
std::unique_ptr<Task> make_couplets(const Tables& tables);
std::unique_ptr<Task> make_geography(const Tables& tables);
std::unique_ptr<Task> make_landmarks(const Tables& tables);
std::unique_ptr<Task> make_opposites(const Tables& tables);
std::unique_ptr<Task> make_people(const Tables& tables);
std::unique_ptr<Task> make_plain(const Tables& tables);
std::unique_ptr<Task> make_requests(const Tables& tables);
std::unique_ptr<Task> make_small_geography(const Tables& tables);
std::unique_ptr<Task> make_sums(const Tables& tables);
std::unique_ptr<Task> make_talk(const Tables& tables);
std::unique_ptr<Task> make_translations(const Tables& tables);

}  // namespace cajal
