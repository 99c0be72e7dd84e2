#include "service/chat.h"

#include <iostream>
#include <unistd.h>

#include "base/error.h"
#include "cli/model_command.h"

namespace cajal {
namespace {

class ChatCommand final : public Command {
 public:
  std::vector<BoundField> fields() override { return bind_fields(chat_fields(), request_); }
  void check_usage() override { require_model(request_.model); }
  int run(Surroundings around) override;

 private:
  enum class Next : std::uint8_t { Go, Leave, Interrupted };

  std::optional<std::string> read_line(Surroundings around);
  Next answer(std::string text, Surroundings around);
  Next obey(const std::string& line, Console& console);
  void save(const std::string& file, Console& console) const;
  Next handle(const std::string& line, Surroundings around);
  Next handle_guarded(const std::string& line, Surroundings around);

  ChatRequest request_;
  std::optional<Session> session_;
  std::optional<Chat> chat_;
  bool at_terminal_ = false;
};

int ChatCommand::run(Surroundings around) {
  Console& console = around.console;
  const std::string& output = console.flags().output;
  if (!output.empty()) {
    check_free(output, console.flags().force);
  }
  at_terminal_ = ::isatty(STDIN_FILENO) != 0;
  session_.emplace(open_model(request_, console));
  print_notes(*session_, console);
  chat_.emplace(*session_, request_);
  if (at_terminal_) {
    console.note("/reset forgets the conversation, /save FILE keeps it, /exit leaves");
  }
  Next next = Next::Go;
  while (next == Next::Go) {
    const auto line = read_line(around);
    next = line ? handle_guarded(*line, around) : Next::Leave;
  }
  if (!output.empty()) {
    write_file(output, chat_->history_json().dump(2) + "\n");
  }
  return next == Next::Interrupted ? kInterrupted : 0;
}

std::optional<std::string> ChatCommand::read_line(Surroundings around) {
  if (at_terminal_ && !around.console.json()) {
    around.console.write(">>> ");
  }
  around.interrupt.set_idle(true);
  std::string line;
  const bool read = static_cast<bool>(std::getline(std::cin, line));
  around.interrupt.set_idle(false);
  return read ? std::optional(std::move(line)) : std::nullopt;
}

/// At a terminal a turn that failed is told and the conversation goes on.
ChatCommand::Next ChatCommand::handle_guarded(const std::string& line, Surroundings around) {
  if (!at_terminal_) {
    return handle(line, around);
  }
  try {
    return handle(line, around);
  } catch (const Error& error) {
    around.console.note(fmt::format("error: {}", error.what()));
    return Next::Go;
  }
}

ChatCommand::Next ChatCommand::handle(const std::string& line, Surroundings around) {
  if (line.find_first_not_of(" \t\r") == std::string::npos) {
    return Next::Go;
  }
  return line.front() == '/' ? obey(line, around.console) : answer(line, around);
}

ChatCommand::Next ChatCommand::obey(const std::string& line, Console& console) {
  const std::size_t space = line.find(' ');
  const std::string word = line.substr(0, space);
  if (word == "/exit" || word == "/quit" || word == "/bye") {
    return Next::Leave;
  }
  if (word == "/reset") {
    chat_->reset();
    console.note("the conversation is forgotten");
  } else if (word == "/save") {
    save(space == std::string::npos ? "" : line.substr(space + 1), console);
  } else {
    fail(ErrorCode::InvalidArgument, "{}: there is only /reset, /save FILE and /exit", word);
  }
  return Next::Go;
}

void ChatCommand::save(const std::string& file, Console& console) const {
  check(!file.empty(), "/save: give the name of a file, as in /save talk.json");
  check_free(file, console.flags().force);
  write_file(file, chat_->history_json().dump(2) + "\n");
  console.note(fmt::format("saved {} messages to {}", chat_->history().size(), file));
}

ChatCommand::Next ChatCommand::answer(std::string text, Surroundings around) {
  Console& console = around.console;
  TextPieces show;
  if (!console.json()) {
    show = [&console](std::string_view piece) { console.write(piece); };
  }
  const GenerateResult turn = chat_->say(std::move(text), show, around.interrupt.token());
  print_notes(*session_, console);
  if (console.json()) {
    Provenance provenance = session_->provenance();
    provenance.seed = request_.seed;
    console.write_result("chat", provenance, turn_json(turn, *session_));
  } else {
    console.write("\n");
  }
  return turn.generation.finish == Finish::Cancelled ? Next::Interrupted : Next::Go;
}

}  // namespace

std::unique_ptr<Command> make_chat_command() {
  return std::make_unique<ChatCommand>();
}

}  // namespace cajal
