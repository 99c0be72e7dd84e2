#include "cli/program.h"

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <iterator>
#include <memory>
#include <new>

#include <CLI/CLI.hpp>

#include "base/version.h"
#include "cli/command.h"
#include "cli/flags.h"
#include "cli/text_table.h"
#include "service/machine.h"

namespace cajal {
namespace {

constexpr int kBadInput = 1;
constexpr int kUsage = 2;
constexpr std::size_t kLongestSentence = 600;

/// One command with the flags that all of them have.
struct Parsed {
  const CommandEntry* entry;
  std::unique_ptr<Command> command;
  OutputFlags output;
  std::string file;
  CLI::App* app = nullptr;
};

std::string one_line(std::string text) {
  text.erase(text.find_last_not_of("\r\n ") + 1);
  std::replace(text.begin(), text.end(), '\n', ' ');
  std::replace(text.begin(), text.end(), '\r', ' ');
  return text;
}

int report(std::string_view code, const std::string& message, int exit_code, bool json) {
  const std::string sentence = visible(one_line(message), kLongestSentence);
  const std::string line =
      json ? error_json(code, sentence).dump() + "\n" : fmt::format("cajal: error: {}\n", sentence);
  std::fwrite(line.data(), 1, line.size(), stderr);
  return exit_code;
}

std::string version_line() {
  return fmt::format("cajal {} (commit {}, {})", version(), git_commit(), instruction_set());
}

std::string not_empty(const std::string& value) {
  return value.empty() ? "must not be empty" : "";
}

void add_output_flags(CLI::App& app, Parsed& parsed) {
  app.add_option("-o,--output", parsed.output.output, std::string(parsed.entry->output))
      ->type_name("FILE")
      ->check(not_empty);
  app.add_flag("--force", parsed.output.force, "let -o replace a file that is there");
  app.add_flag("--json", parsed.output.json, "print JSON (docs/json.md)");
  app.add_flag("-q,--quiet", parsed.output.quiet, "print nothing but results and errors");
  app.add_flag("-v,--verbose", parsed.output.verbose, "say what takes how long");
}

void add_command(CLI::App& program, Parsed& parsed) {
  const CommandEntry& entry = *parsed.entry;
  parsed.app = program.add_subcommand(std::string(entry.name), std::string(entry.summary));
  parsed.app->footer(fmt::format("Example:\n{}", entry.examples));
  add_flags(*parsed.app, parsed.command->fields());
  if (parsed.command->input() != nullptr) {
    parsed.app->add_option("-f,--file", parsed.file, "read the text from this file, as it is")
        ->type_name("FILE")
        ->check(not_empty);
  }
  add_output_flags(*parsed.app, parsed);
}

std::string standard_input() {
  return {std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>()};
}

void resolve_input(Parsed& parsed) {
  InputOptions* input = parsed.command->input();
  if (input == nullptr) {
    return;
  }
  if (!parsed.file.empty()) {
    if (input->text || !input->ids.empty()) {
      throw UsageError("give only one of a text, -f FILE and --ids");
    }
    input->text = parsed.file == "-" ? standard_input() : read_stream(parsed.file);
  } else if (input->text == "-") {
    input->text = standard_input();
  }
}

int run_command(Parsed& parsed) {
  resolve_input(parsed);
  parsed.command->check_usage();
  Interrupt interrupt;
  Console console(parsed.output);
  const int code = parsed.command->run({.console = console, .interrupt = interrupt});
  if (code == 0) {  // an interrupted run leaves no part of a file
    console.finish();
  }
  return code;
}

std::string joined_names() {
  std::string names;
  for (const CommandEntry& entry : commands()) {
    names += fmt::format("{}{}", names.empty() ? "" : ", ", entry.name);
  }
  return names;
}

/// What is wrong with the command line, in our words rather than CLI11's.
std::string usage_text(const CLI::ParseError& error, const CLI::App& program,
                       std::span<char* const> arguments) {
  const auto chosen = program.get_subcommands();
  if (!chosen.empty()) {
    std::string text = one_line(error.what());
    if (error.get_name() == "ArgumentMismatch") {
      text = fmt::format("{} needs a value", text.substr(0, text.find(':')));
    }
    return fmt::format("{}; see cajal {} --help", text, chosen.front()->get_name());
  }
  const bool named = arguments.size() > 1 && arguments[1][0] != '-';
  const std::string problem = named ? fmt::format("there is no command '{}'", arguments[1])
                                    : std::string("no command was given");
  return fmt::format("{}; the commands are {}; see cajal --help", problem, joined_names());
}

int parse_and_run(CLI::App& program, std::vector<Parsed>& all, std::span<char* const> arguments) {
  program.parse(static_cast<int>(arguments.size()), arguments.data());
  for (Parsed& parsed : all) {
    if (parsed.app->parsed()) {
      return run_command(parsed);
    }
  }
  return kUsage;  // not reached: a command is required
}

int exit_code_of(const Error& error) {
  return error.code() == ErrorCode::Cancelled ? kInterrupted : kBadInput;
}

/// The stack of edges: whatever is thrown ends here, as one sentence.
int run_guarded(CLI::App& program, std::vector<Parsed>& all, std::span<char* const> arguments,
                bool json) {
  try {
    return parse_and_run(program, all, arguments);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) {
      return program.exit(error);  // --help and --version
    }
    return report("usage", usage_text(error, program, arguments), kUsage, json);
  } catch (const UsageError& error) {
    return report("usage", error.what(), kUsage, json);
  } catch (const Error& error) {
    return report(name_of(error.code()), error.what(), exit_code_of(error), json);
  } catch (const std::bad_alloc&) {
    return report(name_of(ErrorCode::ResourceExhausted), "out of memory", kBadInput, json);
  } catch (const std::exception& error) {
    return report(name_of(ErrorCode::Internal), error.what(), kBadInput, json);
  }
}

}  // namespace

int run_program(std::span<char* const> arguments) {
  CLI::App program("A microscope for language models: run them, and look inside.", "cajal");
  program.require_subcommand(1);
  program.set_version_flag("--version", version_line());
  program.footer(
      "Example:\n  cajal generate -m MODEL \"Once upon a time\"\n\n"
      "MODEL is a Hugging Face folder, a .gguf file, or org/name from the local cache;\n"
      "without -m it is the specimen, a small model that comes with cajal.\n"
      "See cajal COMMAND --help for each command.");
  std::vector<Parsed> all;
  all.reserve(commands().size());
  for (const CommandEntry& entry : commands()) {
    all.push_back({.entry = &entry, .command = entry.make(), .output = {}, .file = {}});
    add_command(program, all.back());
  }
  const bool json = std::any_of(arguments.begin(), arguments.end(), [](const char* argument) {
    return std::string_view(argument) == "--json";
  });
  return run_guarded(program, all, arguments, json);
}

}  // namespace cajal
