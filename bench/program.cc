#include "program.h"

#include <algorithm>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace cajal::bench {

namespace fs = std::filesystem;

std::optional<fs::path> sibling_program(const std::string& name) {
  std::error_code unknown;
  const fs::path path = fs::read_symlink("/proc/self/exe", unknown).parent_path() / name;
  return ::access(path.c_str(), X_OK) == 0 ? std::optional(path) : std::nullopt;
}

int run_program(std::vector<std::string> command) {
  std::vector<char*> arguments;
  std::transform(command.begin(), command.end(), std::back_inserter(arguments),
                 [](std::string& argument) { return argument.data(); });
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t pid = 0;
  const int error = ::posix_spawn(&pid, arguments[0], &actions, nullptr, arguments.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  int status = 0;
  if (error != 0 || ::waitpid(pid, &status, 0) != pid || !WIFEXITED(status)) {
    return -1;
  }
  return WEXITSTATUS(status);
}

}  // namespace cajal::bench
