#include "service/score.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/file.h"
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

std::string rounded(double share) {
  return fmt::format("{:.0f}", 100.0 * share);
}

std::string aim_text(const ProbeCurve& c) {
  return c.at_least && c.at_most
             ? fmt::format("{}, emb. at most {}", rounded(*c.at_least), rounded(*c.at_most))
             : "";
}

std::string verdict(const ProbeCurve& c) {
  return !c.passed    ? ""
         : !*c.passed ? "MISSED"
                      : (c.place == ProbePlace::End ? "reached" : "second best: reached");
}

TableRow probe_header(const std::vector<ProbeCurve>& curves) {
  TableRow out = {"task", "hidden", "at", "of", "chance", "usual"};
  if (!curves.empty()) {
    for (const ProbePoint& point : curves.front().points) {
      const std::size_t dot = point.point.rfind('.');
      out.push_back(dot == std::string::npos ? "emb." : point.point.substr(dot + 1));
    }
  }
  out.insert(out.end(), {"new", "aim", ""});
  return out;
}

/// A row for each hidden thing and place, a column for each layer.
std::string table(const std::vector<ProbeCurve>& curves) {
  std::vector<TableRow> rows = {probe_header(curves)};
  for (const ProbeCurve& c : curves) {
    TableRow& row = rows.emplace_back();
    row = {c.task,
           c.hidden,
           c.place == ProbePlace::End ? "its end" : "last token",
           fmt::format("{}", c.n),
           rounded(c.chance()),
           rounded(c.majority)};
    for (const ProbePoint& point : c.points) {
      row.push_back(rounded(point.accuracy));
    }
    const std::optional<double>& fresh = c.points[c.best()].new_words;
    row.insert(row.end(), {fresh ? rounded(*fresh) : "", aim_text(c), verdict(c)});
  }
  std::vector<bool> right(rows[0].size() - 2, true);
  std::fill_n(right.begin(), 3, false);
  return format_table(rows, right) +
         "\npercent right, by layer (resid_post); emb.: embeddings; usual: naming the commonest "
         "value;\nnew: at the best layer, on words that the probe was not fitted on\n";
}

/// A row for each hidden thing and place, a column for each layer.
std::string table(const std::vector<PatchCurve>& curves) {
  std::vector<TableRow> rows = {{"task", "hidden", "twin's residual at", "pairs"}};
  const std::size_t layers = curves.empty() ? 0 : curves.front().changed.size();
  for (std::size_t i = 0; i < layers; ++i) {
    rows.front().push_back(fmt::format("{}", i));
  }
  for (const PatchCurve& c : curves) {
    const std::string_view place = c.place == PatchPlace::End    ? "its end"
                                   : c.place == PatchPlace::Span ? "all of it"
                                                                 : "last token";
    rows.push_back({c.task, c.hidden, std::string(place), fmt::format("{}", c.n)});
    for (std::size_t i = 0; i < layers; ++i) {
      rows.back().push_back(c.n == 0 ? "-" : rounded(c.share(i)));
    }
  }
  std::vector<bool> right(layers + 4, true);
  std::fill_n(right.begin(), 3, false);
  return format_table(rows, right) +
         "\npercent of answers that become the twin's, by the layer whose resid_post is replaced\n";
}

std::string shown(const Rate& rate) {
  const Interval interval = wilson_95(rate);
  return fmt::format("{:.0f} % ({} to {})", 100.0 * rate.share(), rounded(interval.low),
                     rounded(interval.high));
}

/// Three rows for each kind of hidden thing: one idea of each chart, as many as do best, and the
/// contrast of the graphs.
std::string table(const std::vector<CircuitScore>& scores) {
  std::vector<TableRow> rows = {{"task", "hidden", "interchanged", "becomes the twin's", "control",
                                 "of", "ideas", "features", "setting"}};
  const auto add = [&](const CircuitScore& s, std::string what, const InterchangeScore& score) {
    rows.push_back({s.task, s.kind, std::move(what), shown(score.swapped), shown(score.control),
                    fmt::format("{}", score.swapped.n),
                    score.ideas ? fmt::format("{:.1f}", *score.ideas) : "",
                    fmt::format("{:.0f}", score.members), score.setting});
  };
  for (const CircuitScore& s : scores) {
    add(s, "one idea each", s.one_idea);
    add(s, "ideas", s.ideas);
    add(s, "contrast", s.contrast);
  }
  return format_table(rows, {false, false, false, true, true, true, true, true, false}) +
         fmt::format(
             "\nideas: {}\ncontrast: all that matters for the one answer and does not fire "
             "at the same place in the twin\nin brackets: 95 % interval; control: random "
             "features, as many and of the same norms\n",
             idea_rule());
}

class ScoreCommand final : public Command {
 public:
  std::vector<BoundField> fields() override { return bind_fields(score_fields(), request_); }
  InputOptions* input() override { return &request_; }
  void check_usage() override {
    as_usage([&] { check_score(request_); });
  }

  int run(Surroundings around) override {
    Console& console = around.console;
    const std::string& output = console.flags().output;
    check(request_.probes || !is_picture(output),
          "{}: there is no picture of this; --probes draws one, --json writes the numbers", output);
    if (request_.probes && is_picture(output)) {
      check_free(output, console.flags().force);
    } else {
      console.open_output();
    }
    Session session = open_model(request_, console);
    if (request_.probes) {
      probe(session, around);
    } else if (request_.patch) {
      patch(session, around);
    } else if (request_.circuits) {
      interchange(session, around);
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

  /// Looks with `look`, which is told whom to tell how far it is, and shows what was found.
  template <typename Look>
  auto looked(Session& session, Surroundings around, const Look& look) {
    Console& console = around.console;
    auto curves = [&] {
      LiveLine line(console);
      return look([&](std::string_view what) { line.show(what); });
    }();
    print_notes(session, console);
    if (console.json()) {
      console.write_result("score", provenance(session), to_json(curves));
    } else {
      console.write(table(curves));
    }
    return curves;
  }

  void probe(Session& session, Surroundings around) {
    const auto curves = looked(session, around, [&](const auto& progress) {
      return probe_world(session, request_, around.interrupt.token(), progress);
    });
    if (is_picture(around.console.flags().output)) {
      write_file(around.console.flags().output, to_svg(curves, session.name));
    }
  }

  void patch(Session& session, Surroundings around) {
    looked(session, around, [&](const auto& progress) {
      return patch_world(session, request_, around.interrupt.token(), progress);
    });
  }

  void interchange(Session& session, Surroundings around) {
    Console& console = around.console;
    CircuitsOutcome outcome;
    {
      LiveLine line(console);
      outcome = circuits_world(session, request_, around.interrupt.token(),
                               [&](std::string_view what) { line.show(what); });
    }
    print_notes(session, console);
    for (const std::string& note : outcome.dictionary.notes) {
      console.note(note);
    }
    if (console.json()) {
      Provenance about = provenance(session);
      outcome.dictionary.describe(about);
      console.write_result("score", about, to_json(outcome.scores));
    } else {
      console.write(table(outcome.scores));
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
