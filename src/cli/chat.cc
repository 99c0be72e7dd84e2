#include "service/chat.h"

#include <algorithm>
#include <cctype>
#include <iostream>
#include <memory>
#include <unistd.h>

#include "base/error.h"
#include "cli/model_command.h"

namespace cajal {
namespace {

std::string without_trailing_blanks(const std::string& line) {
  return line.substr(0, line.find_last_not_of(" \t\r") + 1);
}

/// "/save FILE" and the like, or a word that may be meant as one; "/etc/hosts" is text.
bool is_command(const std::string& line) {
  const std::string whole = without_trailing_blanks(line);
  const std::string word = whole.substr(0, whole.find(' '));
  if (word == "/exit" || word == "/quit" || word == "/bye" || word == "/reset" || word == "/save") {
    return true;
  }
  return word == whole && word.size() > 1 && word.front() == '/' &&
         std::all_of(word.begin() + 1, word.end(),
                     [](unsigned char c) { return std::isalpha(c) != 0; });
}

class ChatCommand final : public Command {
 public:
  std::vector<BoundField> fields() override { return bind_fields(chat_fields(), request_); }
  int run(Surroundings around) override;

 private:
  enum class Next : std::uint8_t { Go, Leave, Interrupted };

  std::optional<std::string> read_line(Surroundings around) const;
  Next answer(std::string text, Surroundings around);
  Next obey(const std::string& line, Console& console);
  const Provenance& provenance();
  void save(const std::string& file, Console& console) const;
  void keep(const Console& console);
  Next handle(const std::string& line, Surroundings around);
  Next handle_guarded(const std::string& line, Surroundings around);

  ChatRequest request_;
  std::unique_ptr<Session> session_;
  std::unique_ptr<Chat> chat_;
  std::optional<Provenance> provenance_;  // of all turns
  bool at_terminal_ = false;
  bool kept_ = false;  // the -o file is ours
};

int ChatCommand::run(Surroundings around) {
  const Console& console = around.console;
  const std::string& output = console.flags().output;
  if (!output.empty()) {
    check_free(output, console.flags().force);
  }
  at_terminal_ = ::isatty(STDIN_FILENO) != 0;
  session_ = std::make_unique<Session>(open_model(request_, console));
  chat_ = std::make_unique<Chat>(*session_, request_);
  if (at_terminal_) {
    console.note("/reset forgets the conversation, /save FILE keeps it, /exit leaves");
  }
  Next next = Next::Go;
  while (next == Next::Go) {
    const auto line = read_line(around);
    next = line ? handle_guarded(*line, around) : Next::Leave;
  }
  keep(console);
  return next == Next::Interrupted ? kInterrupted : 0;
}

std::optional<std::string> ChatCommand::read_line(Surroundings around) const {
  if (at_terminal_ && !around.console.json()) {
    around.console.write(">>> ");
  }
  around.interrupt.set_idle(true);
  std::string line;
  const bool read = static_cast<bool>(std::getline(std::cin, line));
  around.interrupt.set_idle(false);
  if (!line.empty() && line.back() == '\r') {
    line.pop_back();
  }
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
  const Next next =
      is_command(line) ? obey(without_trailing_blanks(line), around.console) : answer(line, around);
  keep(around.console);
  return next;
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

/// Writes the conversation to the -o file after every turn, so that none is lost. The first time, a
/// file that appeared meanwhile (by /save, say) is not to be replaced.
void ChatCommand::keep(const Console& console) {
  const OutputFlags& flags = console.flags();
  if (flags.output.empty()) {
    return;
  }
  check_free(flags.output, flags.force || kept_);
  write_file(flags.output, chat_->history_json().dump(2) + "\n");
  kept_ = true;
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
    console.write_result("chat", provenance(), turn_json(turn, *session_));
  } else {
    console.write("\n");
  }
  return turn.generation.finish == Finish::Cancelled ? Next::Interrupted : Next::Go;
}

const Provenance& ChatCommand::provenance() {
  if (!provenance_) {
    provenance_ = session_->provenance();
    provenance_->seed = request_.seed;
  }
  return *provenance_;
}

}  // namespace

std::unique_ptr<Command> make_chat_command() {
  return std::make_unique<ChatCommand>();
}

}  // namespace cajal
