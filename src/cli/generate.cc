#include "service/generate.h"

#include <chrono>

#include "cli/model_command.h"
#include "cli/text_table.h"

namespace cajal {
namespace {

std::string joined(const std::vector<TokenId>& ids) {
  std::string out;
  for (const TokenId id : ids) {
    out += fmt::format("{}{}", out.empty() ? "" : ",", id);
  }
  return out;
}

class GenerateCommand final : public Command {
 public:
  std::vector<BoundField> fields() override { return bind_fields(generate_fields(), request_); }
  InputOptions* input() override { return &request_; }
  void check_usage() override { require_input(request_); }

  int run(Surroundings around) override {
    Console& console = around.console;
    console.open_output();
    Session session = open_model(request_, console);
    const auto start = std::chrono::steady_clock::now();
    const GenerateResult result =
        generate(session, request_, console.json() ? TextPieces() : show(session, console),
                 around.interrupt.token());
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    print_notes(session, console);
    print(result, session, console);
    console.detail(fmt::format("{} tokens after {} in {:.3f} s ({:.1f} tokens/s), finish: {}",
                               result.generation.ids.size(), result.prompt_ids.size(),
                               seconds.count(),
                               static_cast<double>(result.generation.ids.size()) / seconds.count(),
                               name_of(result.generation.finish)));
    return result.generation.finish == Finish::Cancelled ? kInterrupted : 0;
  }

 private:
  /// What is to be said of the input comes before the first text.
  static TextPieces show(Session& session, Console& console) {
    return [&session, &console](std::string_view text) {
      print_notes(session, console);
      console.write(text);
    };
  }

  void print(const GenerateResult& result, const Session& session, Console& console) const {
    if (console.json()) {
      Provenance provenance = session.provenance();
      provenance.seed = request_.seed;
      console.write_result("generate", provenance, to_json(result, session));
      return;
    }
    console.write(result.has_text ? "\n" : joined(result.generation.ids) + "\n");
    if (result.has_logprobs) {
      print_logprobs(result, session, console);
    }
  }

  static void print_logprobs(const GenerateResult& result, const Session& session,
                             Console& console);

  GenerateRequest request_;
};

void GenerateCommand::print_logprobs(const GenerateResult& result, const Session& session,
                                     Console& console) {
  std::vector<TableRow> rows;
  for (const GeneratedToken& token : result.generation.tokens) {
    TableRow row = {token_label(session, token.id), fmt::format("{:.4f}", token.logprob)};
    for (const TokenChance& chance : token.best) {
      row.push_back(fmt::format("{} {:.4f}", token_label(session, chance.id), chance.logprob));
    }
    rows.push_back(std::move(row));
  }
  console.write(format_table(rows));
}

}  // namespace

std::unique_ptr<Command> make_generate_command() {
  return std::make_unique<GenerateCommand>();
}

}  // namespace cajal
