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

std::string percent(double share) {
  return fmt::format("{:.1f} %", 100.0 * share);
}

/// A score, what it should be, and whether it is.
std::string verdict(double value, const std::optional<double>& at_least) {
  return !at_least ? ""
                   : fmt::format("{} {}", value >= *at_least ? "ok," : "below", percent(*at_least));
}

std::string table(const std::vector<KindScore>& scores) {
  std::vector<TableRow> rows = {{"task", "kind", "split", "right", "of", "score", "aim"}};
  for (const KindScore& s : scores) {
    rows.push_back({s.task, s.kind, std::string(name_of(s.split)), fmt::format("{}", s.right),
                    fmt::format("{}", s.n), percent(s.score()), verdict(s.score(), s.threshold)});
  }
  return format_table(rows, {false, false, false, true, true, true, false});
}

/// A row for each hidden thing and place, a column for each point.
std::string table(const std::vector<ProbeResult>& probes) {
  std::string out;
  std::vector<TableRow> rows;
  std::string title;
  for (const ProbeResult& p : probes) {
    const std::string name = fmt::format("{}: {} in {} (fitted on {}, tested on {})", p.task,
                                         p.hidden, p.question, p.train, p.test);
    if (name != title) {
      out += rows.empty() ? "" : format_table(rows, {false}) + "\n";
      rows = {{name}};
      title = name;
    }
    const std::string place = p.place == "end" ? "at its last token" : "at the prompt's last token";
    if (rows.back().front() != place) {
      rows.push_back({place});
    }
    if (rows.size() == 2) {
      rows.front().push_back(p.point);
    }
    rows.back().push_back(percent(p.accuracy));
  }
  return out + (rows.empty() ? "" : format_table(rows, {false}));
}

class ScoreCommand final : public Command {
 public:
  std::vector<BoundField> fields() override { return bind_fields(score_fields(), request_); }
  InputOptions* input() override { return &request_; }
  void check_usage() override {
    require_model(request_.model);
    if (!request_.world) {
      require(!request_.probes && request_.questions == 0, "--probes and --questions need --world");
      require_input(request_);
    } else {
      require(!request_.text && request_.ids.empty(), "give a text or --world, not both");
    }
  }

  int run(Surroundings around) override {
    Console& console = around.console;
    console.open_output();
    Session session = open_model(request_, console);
    if (request_.world) {
      print_world(session, around);
      return 0;
    }
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
  void print_world(Session& session, Surroundings around) {
    const WorldScores scores = score_on_world(session, request_, around.interrupt.token());
    print_notes(session, around.console);
    if (around.console.json()) {
      around.console.write_result("score", session.provenance(), to_json(scores));
    } else {
      around.console.write(request_.probes ? table(scores.probes) : table(scores.scores));
    }
  }

  ScoreRequest request_;
};

}  // namespace

std::unique_ptr<Command> make_score_command() {
  return std::make_unique<ScoreCommand>();
}

}  // namespace cajal
