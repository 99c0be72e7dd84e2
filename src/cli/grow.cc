#include "service/grow.h"

#include <cmath>

#include <fmt/format.h>

#include "cli/command.h"
#include "cli/duration.h"
#include "cli/live_line.h"

namespace cajal {
namespace {

constexpr int kGrowPatience = 60;  // seconds that the last step and a checkpoint may take

std::string line_of(const GrowProgress& p, double heldout) {
  std::string out = fmt::format("step {}/{}  loss {:.4f}", p.row.step, p.steps, p.row.loss);
  if (!std::isnan(heldout)) {
    out += fmt::format("  held-out {:.4f}", heldout);
  }
  return out + pace(p.tokens_per_s, p.seconds_left);
}

/// On a terminal one line that changes; elsewhere a line for each evaluation.
class GrowConsole final : public GrowView {
 public:
  explicit GrowConsole(const Console& console) : line_(console) {}

  void note(std::string_view sentence) override { line_.note(sentence); }

  void progress(const GrowProgress& progress) override {
    const bool evaluated = !std::isnan(progress.row.heldout);
    heldout_ = evaluated ? progress.row.heldout : heldout_;
    line_.show(line_of(progress, heldout_), evaluated || progress.row.step == progress.steps);
  }

  void scores(std::size_t step, const std::vector<KindScore>& scores) override {
    for (const KindScore& s : scores) {
      const std::string aim =
          s.threshold ? fmt::format(" (aim {:.0f} %)", 100.0 * *s.threshold) : "";
      line_.note(fmt::format("step {}: {}, {}, {}: {} of {} right{}", step, s.task, s.kind,
                             name_of(s.split), s.right, s.n, aim));
    }
  }

 private:
  LiveLine line_;
  double heldout_ = std::nan("");
};

std::string summary(const GrowOutcome& outcome) {
  const HistoryRow& last = outcome.history.back();
  const std::string heldout =
      std::isnan(last.heldout) ? "" : fmt::format(", on held-out text {:.4f}", last.heldout);
  return fmt::format("{}: {} parameters, {} steps in {}; loss {:.4f}{}\n", outcome.folder.string(),
                     outcome.parameters, outcome.step, duration(outcome.seconds), last.loss,
                     heldout);
}

class GrowCommand final : public Command {
 public:
  std::vector<BoundField> fields() override { return bind_fields(grow_fields(), request_); }
  void check_usage() override {
    require(request_.recipe.has_value(), "name a recipe, a YAML file (docs/grow.md)");
  }

  int run(Surroundings around) override {
    Console& console = around.console;
    request_.output = console.flags().output;
    request_.over = console.flags().force;
    around.interrupt.set_patience(kGrowPatience);
    GrowConsole view(console);
    const GrowOutcome outcome = grow_recipe(request_, view, around.interrupt.token());
    if (!outcome.finished) {
      view.note(fmt::format("stopped after step {} of {}; go on with --resume", outcome.step,
                            outcome.steps));
      return kInterrupted;
    }
    if (console.json()) {
      console.write_result("grow", provenance(), to_json(outcome));
    } else {
      console.write(summary(outcome));
    }
    return 0;
  }

 private:
  Provenance provenance() const {
    Provenance out;
    out.device = request_.device;
    return out;
  }

  GrowRequest request_;
};

}  // namespace

std::unique_ptr<Command> make_grow_command() {
  return std::make_unique<GrowCommand>();
}

}  // namespace cajal
