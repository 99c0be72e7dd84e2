#include "corpus/world/registry.h"

#include <array>

namespace cajal {
namespace {

constexpr std::array kTasks = {
    MakeTask{make_geography}, MakeTask{make_small_geography}, MakeTask{make_countries},
    MakeTask{make_sums},      MakeTask{make_people},          MakeTask{make_plain},
    MakeTask{make_talk},
};

}  // namespace

std::span<const MakeTask> task_registry() {
  return kTasks;
}

}  // namespace cajal
