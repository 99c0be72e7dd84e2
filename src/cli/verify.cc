#include "service/verify.h"

#include <algorithm>

#include "cli/live_line.h"
#include "cli/model_command.h"
#include "cli/text_table.h"

namespace cajal {
namespace {

std::string whole_percent(double x) {
  return fmt::format("{:.0f} %", 100.0 * x);
}

std::string why_not(const TriedClaim& claim) {
  return !claim.sign     ? "no: the other way"
         : !claim.size   ? "no: another size"
         : !claim.beyond ? "no: as random groups do"
                         : "held";
}

TableRow row_of(const std::string& name, const std::string& where, const TestedClaim& test) {
  const TriedClaim& claim = test.claim;
  return {visible(name, 40),
          where,
          fmt::format("{:+.3f}", claim.predicted),
          fmt::format("{:+.3f}", claim.measured),
          fmt::format("{:.3f}", claim.control_95),
          why_not(claim)};
}

/// "layers 2-5 at 9", "word at 3".
std::string place_of(const VerifiedGroup& group) {
  std::vector<std::uint32_t> layers;
  std::vector<std::uint32_t> at = group.words;
  for (const ActiveFeature& f : group.members) {
    layers.push_back(f.layer);
    at.push_back(f.position);
  }
  const auto range = [](std::vector<std::uint32_t>& values) {
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    return *low == *high ? fmt::format("{}", *low) : fmt::format("{}-{}", *low, *high);
  };
  return layers.empty() ? fmt::format("word at {}", range(at))
                        : fmt::format("layer {} at {}", range(layers), range(at));
}

std::string text_of(const VerifyOutcome& outcome) {
  std::vector<TableRow> rows = {
      {"switched off", "where", "predicted", "measured", "random", "claim", "then it says"}};
  for (const VerifiedGroup& group : outcome.groups) {
    rows.push_back(row_of(group.label, place_of(group), group.test));
    rows.back().push_back(fmt::format("{} {}", visible(group.test.claim.becomes, 20),
                                      whole_percent(group.test.claim.becomes_probability)));
  }
  std::string out = fmt::format("the logit of {}, less the mean of all: {:.3f}\n\n",
                                visible(outcome.target), outcome.value) +
                    format_table(rows, {false, false, true, true, true});
  if (!outcome.edges.empty()) {
    rows = {{"from one to another", "", "predicted", "measured", "random", "claim"}};
    for (const VerifiedEdge& edge : outcome.edges) {
      rows.push_back(row_of(fmt::format("{} > {}", outcome.groups[edge.source].label,
                                        outcome.groups[edge.target].label),
                            "", edge.test));
    }
    out += "\n" + format_table(rows, {false, false, true, true, true});
  }
  return out + fmt::format(
                   "\n{} of {} claims held when tried (nothing frozen; random: 95th "
                   "percentile of groups alike)\n",
                   outcome.held(), outcome.tried());
}

std::string text_of(const std::string& title, const Calibration& c) {
  std::vector<TableRow> rows = {
      {"claims", "predicted", "measured", "ratio", "random", "sign", "size", "beyond", "held"}};
  const auto add = [&](const CalibrationBin& bin) {
    rows.push_back({fmt::format("{}", bin.claims), fmt::format("{:.3f}", bin.size_predicted),
                    fmt::format("{:.3f}", bin.size_measured), fmt::format("{:.2f}", bin.ratio),
                    fmt::format("{:.3f}", bin.control), whole_percent(bin.sign),
                    whole_percent(bin.size), whole_percent(bin.beyond), whole_percent(bin.held)});
  };
  for (const CalibrationBin& bin : c.deciles) {
    add(bin);
  }
  add(c.all);
  return fmt::format(
             "{}: {} of {} claims held; predicted and measured correlate at {:.3f}, by rank "
             "at {:.3f}\n\n",
             title, whole_percent(c.all.held), c.all.claims, c.correlation, c.rank_correlation) +
         format_table(rows, std::vector<bool>(9, true));
}

class VerifyCommand final : public Command {
 public:
  std::vector<BoundField> fields() override { return bind_fields(verify_fields(), request_); }
  void check_usage() override {
    as_usage([&] { check_verify(request_); });
  }

  int run(Surroundings around) override {
    Console& console = around.console;
    console.open_output();
    Session session = open_model(request_, console);
    if (request_.calibrate) {
      calibrate(session, around);
    } else {
      verify(session, around);
    }
    return 0;
  }

 private:
  void verify(Session& session, Surroundings around) {
    Console& console = around.console;
    const VerifyOutcome outcome = verify_graph(session, request_, around.interrupt.token());
    print_notes(session, console);
    for (const std::string& note : outcome.dictionary.notes) {
      console.note(note);
    }
    for (const std::string& note : outcome.notes) {
      console.note(note);
    }
    if (console.json()) {
      console.write_result("verify", provenance_of(session, request_, outcome.dictionary),
                           to_json(outcome));
    } else {
      console.write(text_of(outcome));
    }
  }

  void calibrate(Session& session, Surroundings around) {
    Console& console = around.console;
    CalibrationOutcome outcome;
    {
      LiveLine line(console);
      outcome = calibrate_claims(session, request_, around.interrupt.token(),
                                 [&](std::size_t done, std::size_t total) {
                                   line.show(fmt::format("tried {} of {} prompts", done, total));
                                 });
    }
    print_notes(session, console);
    console.detail(fmt::format("{} prompts in {:.1f} s", outcome.prompts, outcome.seconds));
    if (console.json()) {
      console.write_result("verify", provenance_of(session, request_, outcome.dictionary),
                           to_json(outcome));
    } else {
      console.write(text_of("ideas", outcome.ideas) + "\n" +
                    text_of("edges between ideas", outcome.edges));
    }
  }

  VerifyRequest request_;
};

}  // namespace

std::unique_ptr<Command> make_verify_command() {
  return std::make_unique<VerifyCommand>();
}

}  // namespace cajal
