#include "service/experiment.h"

#include "base/file.h"
#include "cli/dictionary_commands.h"
#include "cli/live_line.h"
#include "cli/model_command.h"
#include "cli/text_table.h"

namespace cajal {
namespace {

std::string list() {
  std::vector<TableRow> rows;
  for (const ExperimentEntry& entry : experiments()) {
    rows.push_back({std::string(entry.name), std::string(entry.summary)});
  }
  return format_table(rows);
}

std::string observations(const ExperimentResult& result) {
  std::vector<TableRow> rows = {{"how often", "condition", "share", "95 % interval", "of", "mean"}};
  for (const Observation& o : result.observations) {
    const Interval interval = wilson_95(o.rate);
    rows.push_back({o.what, o.condition, percent(o.rate.share()),
                    fmt::format("{} to {}", percent(interval.low), percent(interval.high)),
                    fmt::format("{}", o.rate.n), o.mean ? fmt::format("{:.3f}", *o.mean) : ""});
  }
  return format_table(rows, {false, false, true, true, true, true});
}

std::string figures(const ExperimentResult& result) {
  if (result.figures.empty()) {
    return {};
  }
  std::vector<TableRow> rows = {{"of each case", "median", "5 %", "95 %", "largest"}};
  for (const ExperimentFigure& f : result.figures) {
    rows.push_back({f.what, fmt::format("{:.3g}", f.median), fmt::format("{:.3g}", f.low),
                    fmt::format("{:.3g}", f.high), fmt::format("{:.3g}", f.largest)});
  }
  return format_table(rows, {false, true, true, true, true}) + "\n";
}

std::string tried(const ExperimentResult& result) {
  if (result.tried.empty()) {
    return {};
  }
  std::string out;
  for (const TriedSetting& setting : result.tried) {
    out += fmt::format("  {}: {} of {}\n", setting.name, setting.rate.right, setting.rate.n);
  }
  return "\ntried on other cases:\n" + out;
}

std::string examples(const ExperimentResult& result) {
  std::string out;
  for (const ExperimentExample& e : result.examples) {
    out += fmt::format("\n{}\n", visible(e.prompt, 200));
    out += e.donor.empty() ? "" : fmt::format("  donor      {}\n", visible(e.donor, 200));
    for (const auto& [name, text] :
         {std::pair<std::string_view, std::string_view>{"wanted", e.wanted},
          {"unchanged", e.unchanged},
          {"changed", e.changed},
          {"control", e.control}}) {
      out += text.empty() ? "" : fmt::format("  {:<9}  {}\n", name, visible(text, 200));
    }
  }
  return out;
}

std::string text_of(const ExperimentResult& result, bool verbose) {
  std::string out =
      fmt::format("{}\n\n{}\n{}", result.question, observations(result), figures(result));
  if (result.members > 0.0) {
    out += fmt::format("{}: {:.1f} features a case\n", result.setting, result.members);
  }
  for (const Goal& goal : result.goals) {
    out += fmt::format("{}  {}\n", goal.reached ? "reached" : "MISSED ", goal.text);
  }
  for (const std::string& note : result.notes) {
    out += note + "\n";
  }
  return verbose ? out + tried(result) + examples(result) : out;
}

class ExperimentCommand final : public Command {
 public:
  std::vector<BoundField> fields() override { return bind_fields(experiment_fields(), request_); }

  int run(Surroundings around) override {
    Console& console = around.console;
    const std::string& output = console.flags().output;
    if (is_picture(output)) {
      check_free(output, console.flags().force);
    } else {
      console.open_output();
    }
    if (request_.name.empty()) {
      console.json() ? console.write_result("experiment", {}, experiments_json())
                     : console.write(list());
      return 0;
    }
    request_ = at_home(std::move(request_));
    Session session = open_model(request_, console);
    const ExperimentOutcome outcome = run_shown(session, around);
    print_notes(session, console);
    for (const std::string& note : outcome.dictionary.notes) {
      console.note(note);
    }
    if (is_picture(output)) {
      write_file(output, to_svg(outcome.result));
    }
    if (console.json()) {
      console.write_result("experiment", provenance_of(session, outcome, request_.seed),
                           to_json(outcome.result));
    } else {
      console.write(text_of(outcome.result, console.flags().verbose));
    }
    return 0;
  }

 private:
  ExperimentOutcome run_shown(Session& session, Surroundings around) {
    LiveLine line(around.console);
    return run_experiment(session, request_, around.interrupt.token(),
                          [&](std::size_t done, std::size_t total) {
                            line.show(fmt::format("{} of {} cases found", done, total));
                          });
  }

  ExperimentRequest request_;
};

}  // namespace

std::unique_ptr<Command> make_experiment_command() {
  return std::make_unique<ExperimentCommand>();
}

}  // namespace cajal
