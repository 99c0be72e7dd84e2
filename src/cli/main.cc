#include <cstdlib>
#include <span>
#include <unistd.h>

#include "cli/program.h"

namespace {

/// libgomp reads GOMP_SPINCOUNT when it is loaded, before main: without it, threads that wait for
/// each other on busy cores lose milliseconds. So set it and start over, once.
void restart_with_spin_count(char** arguments) {
  if (std::getenv("GOMP_SPINCOUNT") == nullptr) {
    ::setenv("GOMP_SPINCOUNT", "1000", 1);
    ::execv("/proc/self/exe", arguments);  // returns only if it failed: then go on without
  }
}

}  // namespace

int main(int count, char** arguments) {
  restart_with_spin_count(arguments);
  return cajal::run_program(std::span(arguments, static_cast<std::size_t>(count)));
}
