// What a command of the program is, and the table of them.
#pragma once

#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "cli/console.h"
#include "cli/interrupt.h"
#include "service/fields.h"
#include "service/options.h"

namespace cajal {

/// What a command may use while it runs.
struct Surroundings {
  Console& console;
  Interrupt& interrupt;
};

/// Flags that make no sense together, or one that is missing: exit code 2.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Throws UsageError.
inline void require(bool condition, const char* message) {
  if (!condition) {
    throw UsageError(message);
  }
}

/// A command whose flags are being read; then it runs, and returns the exit code.
class Command {
 public:
  virtual ~Command() = default;
  virtual std::vector<BoundField> fields() = 0;
  /// Where -f FILE and `-` put the text; nullptr: the command has no -f.
  virtual InputOptions* input() { return nullptr; }
  /// Throws UsageError if the flags make no sense together.
  virtual void check_usage() {}
  virtual int run(Surroundings around) = 0;
};

struct CommandEntry {
  std::string_view name;
  std::string_view summary;
  std::string_view examples;  // one a line
  std::string_view output;    // what -o FILE gets
  std::unique_ptr<Command> (*make)();
};

/// In the order of help.
std::span<const CommandEntry> commands();

// One per file beside this.
std::unique_ptr<Command> make_generate_command();
std::unique_ptr<Command> make_chat_command();
std::unique_ptr<Command> make_tokens_command();
std::unique_ptr<Command> make_points_command();
std::unique_ptr<Command> make_lens_command();
std::unique_ptr<Command> make_score_command();
std::unique_ptr<Command> make_inspect_command();
std::unique_ptr<Command> make_grow_command();
std::unique_ptr<Command> make_world_command();
std::unique_ptr<Command> make_trace_command();
std::unique_ptr<Command> make_edit_command();
std::unique_ptr<Command> make_verify_command();
std::unique_ptr<Command> make_experiment_command();
std::unique_ptr<Command> make_learn_command();

}  // namespace cajal
