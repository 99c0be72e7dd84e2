#include "corpus/world/registry.h"

#include <array>

namespace cajal {
namespace {

// clang-format off: a line each
constexpr std::array kTasks = {
    MakeTask{make_geography},
    MakeTask{make_small_geography},
    MakeTask{make_countries},
    MakeTask{make_sums},
    MakeTask{make_people},
    MakeTask{make_plain},
    MakeTask{make_talk},
    MakeTask{make_opposites},
    MakeTask{make_translations},
    MakeTask{make_requests},
    MakeTask{make_couplets},
    MakeTask{make_landmarks},
};
// clang-format on

}  // namespace

std::span<const MakeTask> task_registry() {
  return kTasks;
}

}  // namespace cajal
