#include "service/tokens.h"

#include <utility>

#include "base/error.h"
#include "cli/model_command.h"
#include "cli/text_table.h"
#include "service/input.h"

namespace cajal {
namespace {

std::string hex(std::string_view bytes) {
  std::string out;
  for (const char byte : bytes) {
    out += fmt::format("{}{:02x}", out.empty() ? "" : " ", static_cast<unsigned char>(byte));
  }
  return out;
}

std::string table(const TokensResult& result) {
  std::vector<TableRow> rows = {{"id", "piece", "bytes"}};
  for (std::size_t i = 0; i < result.ids.size(); ++i) {
    rows.push_back(
        {fmt::format("{}", result.ids[i]), visible(result.pieces[i]), hex(result.bytes[i])});
  }
  return format_table(rows, {true});
}

class TokensCommand final : public Command {
 public:
  std::vector<BoundField> fields() override { return bind_fields(tokens_fields(), request_); }
  InputOptions* input() override { return &request_; }
  void check_usage() override {
    require_input(request_);
    require(!request_.jsonl || request_.text, "--jsonl reads lines of text: give -f FILE or -");
  }

  int run(Surroundings around) override {
    Console& console = around.console;
    console.open_output();
    const TokenTable tokens(request_);
    for (const std::string& note : tokens.notes()) {
      console.note(note);
    }
    if (request_.jsonl) {
      return print_lines(tokens, around);
    }
    const TokensResult result = tokens.tokens();
    if (tokens.begins_with_two_bos(result)) {
      console.note(double_bos_note());
    }
    if (console.json()) {
      console.write_result("tokens", tokens.provenance(), to_json(result));
    } else {
      console.write(table(result));
    }
    return 0;
  }

 private:
  int print_lines(const TokenTable& tokens, Surroundings around) {
    const std::string text = request_.text.value_or("");
    std::string_view rest = text;
    bool warned = false;
    for (std::size_t number = 1; !rest.empty(); ++number) {
      if (around.interrupt.token().stop_requested()) {
        return kInterrupted;
      }
      const std::string_view line = rest.substr(0, rest.find('\n'));
      rest.remove_prefix(std::min(rest.size(), line.size() + 1));
      if (line.find_first_not_of(" \t\r") != std::string_view::npos) {
        const TokensResult result = tokens.tokens_of_line(line, number);
        if (tokens.begins_with_two_bos(result) && !std::exchange(warned, true)) {
          around.console.note(fmt::format("line {}: {}", number, double_bos_note()));
        }
        print_line(tokens, to_json(result), around.console);
      }
    }
    return 0;
  }

  static void print_line(const TokenTable& tokens, Json result, Console& console) {
    if (console.json()) {
      console.write_result("tokens", tokens.provenance(), std::move(result));
    } else {
      console.write(result.dump() + "\n");
    }
  }

  TokensRequest request_;
};

}  // namespace

std::unique_ptr<Command> make_tokens_command() {
  return std::make_unique<TokensCommand>();
}

}  // namespace cajal
