#include "service/score.h"

#include <cmath>

#include "cli/live_line.h"
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

std::string table(const std::vector<KindScore>& scores) {
  std::vector<TableRow> rows = {{"task", "kind", "split", "score", "of", "at least", ""}};
  for (const KindScore& s : scores) {
    rows.push_back({s.task, s.kind, std::string(name_of(s.split)), percent(s.score()),
                    fmt::format("{}", s.n), s.threshold ? percent(*s.threshold) : "",
                    !s.threshold ? ""
                    : s.passed() ? "reached"
                                 : "MISSED"});
  }
  return format_table(rows, {false, false, false, true, true, true});
}

std::string shown_misses(const std::vector<KindScore>& scores) {
  std::vector<TableRow> rows;
  for (const KindScore& s : scores) {
    for (const Miss& miss : s.misses) {
      rows.push_back({s.task, visible(miss.prompt, 100), "should go on with", visible(miss.answer),
                      "not", visible(miss.said)});
    }
  }
  return rows.empty() ? "" : "\n" + format_table(rows);
}

std::string verdict(const std::vector<KindScore>& scores) {
  std::size_t aims = 0;
  std::string missed;
  for (const KindScore& s : scores) {
    aims += s.threshold ? 1U : 0U;
    missed += s.passed() ? "" : fmt::format("{}{} {}", missed.empty() ? "" : ", ", s.task, s.kind);
  }
  return missed.empty() ? fmt::format("\nreached: all {} aims\n", aims)
                        : fmt::format("\nmissed: {}\n", missed);
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
    as_usage([&] { check_score(request_); });
  }

  int run(Surroundings around) override {
    Console& console = around.console;
    console.open_output();
    Session session = open_model(request_, console);
    if (request_.probes) {
      probe(session, around);
    } else if (request_.world) {
      ask_world(session, around);
    } else {
      predict_text(session, around);
    }
    return 0;
  }

 private:
  Provenance provenance(const Session& session) const {
    Provenance out = session.provenance();
    out.seed = request_.seed;
    return out;
  }

  void predict_text(Session& session, Surroundings around) {
    const ScoreResult result = score(session, request_, around.interrupt.token());
    print_notes(session, around.console);
    if (around.console.json()) {
      around.console.write_result("score", session.provenance(), to_json(result, session));
    } else {
      around.console.write(table(result, session));
    }
  }

  void probe(Session& session, Surroundings around) {
    const auto probes = probe_world(session, request_, around.interrupt.token());
    print_notes(session, around.console);
    if (around.console.json()) {
      around.console.write_result("score", provenance(session), to_json(probes));
    } else {
      around.console.write(table(probes));
    }
  }

  void ask_world(Session& session, Surroundings around) {
    Console& console = around.console;
    std::vector<KindScore> scores;
    {
      LiveLine line(console);
      scores = score_world(session, request_, around.interrupt.token(),
                           [&](std::size_t done, std::size_t total) {
                             line.show(fmt::format("{} of {} questions", done, total));
                           });
    }
    print_notes(session, console);
    if (console.json()) {
      console.write_result("score", provenance(session), to_json(scores));
    } else {
      console.write(table(scores) + (console.flags().verbose ? shown_misses(scores) : "") +
                    verdict(scores));
    }
  }

  ScoreRequest request_;
};

}  // namespace

std::unique_ptr<Command> make_score_command() {
  return std::make_unique<ScoreCommand>();
}

}  // namespace cajal
