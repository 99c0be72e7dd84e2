#include "service/score.h"

#include <cmath>

#include "cli/model_command.h"
#include "cli/text_table.h"

namespace cajal {
namespace {

std::string table(const ScoreResult& result, const Session& session) {
  std::vector<TableRow> rows = {{"token", "nll"}};
  for (std::size_t i = 0; i < result.ids.size(); ++i) {
    rows.push_back({token_label(session, result.ids[i]),
                    i == 0 ? "" : fmt::format("{:.4f}", result.nll[i - 1])});
  }
  return format_table(rows, {false, true}) +
         fmt::format("\nmean NLL {:.6f} over {} predictions, perplexity {:.4g}\n", result.mean_nll,
                     result.nll.size(), std::exp(result.mean_nll));
}

class ScoreCommand final : public Command {
 public:
  std::vector<BoundField> fields() override { return bind_fields(score_fields(), request_); }
  InputOptions* input() override { return &request_; }
  void check_usage() override {
    require_model(request_.model);
    require_input(request_);
  }

  int run(Surroundings around) override {
    Console& console = around.console;
    console.open_output();
    Session session = open_model(request_, console);
    const ScoreResult result = score(session, request_, around.interrupt.token());
    print_notes(session, console);
    if (console.json()) {
      console.write_result("score", session.provenance(), to_json(result, session));
    } else {
      console.write(table(result, session));
    }
    return 0;
  }

 private:
  ScoreRequest request_;
};

}  // namespace

std::unique_ptr<Command> make_score_command() {
  return std::make_unique<ScoreCommand>();
}

}  // namespace cajal
