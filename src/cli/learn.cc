#include "service/learn.h"

#include <cmath>

#include <fmt/format.h>

#include "cli/command.h"
#include "cli/duration.h"
#include "cli/live_line.h"

namespace cajal {
namespace {

constexpr int kLearnPatience = 60;  // seconds that the last step and a checkpoint may take

std::string line_of(const LearnProgress& p, double heldout) {
  std::string out = fmt::format("step {}/{}  FVU {:.4f}  L0 {:.1f}  dead {}", p.row.step, p.steps,
                                p.row.fvu, p.row.l0, p.row.dead);
  if (!std::isnan(heldout)) {
    out += fmt::format("  held-out FVU {:.4f}", heldout);
  }
  return out + pace(p.tokens_per_s, p.seconds_left);
}

/// On a terminal one line that changes; elsewhere a line for each evaluation.
class LearnConsole final : public LearnView {
 public:
  explicit LearnConsole(const Console& console) : line_(console) {}

  void note(std::string_view sentence) override { line_.note(sentence); }

  void progress(const LearnProgress& progress) override {
    const bool evaluated = !progress.row.heldout.empty();
    heldout_ = evaluated ? progress.row.heldout_fvu() : heldout_;
    line_.show(line_of(progress, heldout_), evaluated || progress.row.step == progress.steps);
  }

 private:
  LiveLine line_;
  double heldout_ = std::nan("");
};

std::string table_of(const LearnOutcome& outcome) {
  std::string out = fmt::format("{}: {}, {} features a layer, {} steps in {}; on held-out text:\n",
                                outcome.folder.string(), outcome.kind, outcome.features,
                                outcome.step, duration(outcome.seconds));
  for (std::size_t i = 0; i < outcome.figures.size(); ++i) {
    const LayerFigures& one = outcome.figures[i];
    out += fmt::format("layer {:<3} FVU {:.4f}  L0 {:6.2f}  never fired {}\n", outcome.layers[i],
                       one.fvu, one.l0, one.dead);
  }
  return out;
}

class LearnCommand final : public Command {
 public:
  std::vector<BoundField> fields() override { return bind_fields(learn_fields(), request_); }
  void check_usage() override {
    require(request_.recipe.has_value() || !request_.corpus.empty(),
            "name a recipe (docs/learn.md), or a text with --corpus");
  }

  int run(Surroundings around) override {
    Console& console = around.console;
    request_.output = console.flags().output;
    request_.over = console.flags().force;
    around.interrupt.set_patience(kLearnPatience);
    LearnConsole view(console);
    const LearnOutcome outcome = learn_dictionary(request_, view, around.interrupt.token());
    if (!outcome.finished) {
      view.note(fmt::format("stopped after step {} of {}; go on with --resume", outcome.step,
                            outcome.steps));
      return kInterrupted;
    }
    if (console.json()) {
      console.write_result("learn", outcome.provenance, to_json(outcome));
    } else {
      console.write(table_of(outcome));
    }
    return 0;
  }

 private:
  LearnRequest request_;
};

}  // namespace

std::unique_ptr<Command> make_learn_command() {
  return std::make_unique<LearnCommand>();
}

}  // namespace cajal
