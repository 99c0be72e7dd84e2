#include "service/trace.h"

#include "cli/model_command.h"
#include "cli/text_table.h"

namespace cajal {
namespace {

std::string score_text(const std::optional<double>& score) {
  return score ? fmt::format("{:.3f}", *score) : "none";
}

std::string summary(const TraceOutcome& outcome) {
  const AttributionGraph& graph = outcome.graph;
  std::string out = "targets      ";
  for (std::size_t i = 0; i < graph.targets.size(); ++i) {
    const GraphTarget& target = graph.targets[i];
    out += fmt::format("{}{}", i == 0 ? "" : ", ", visible(target.label));
    if (target.token < graph.vocab) {
      out += " " + percent(target.weight);
    }
    const bool token = target.token < graph.vocab || target.label.find(" - ") != std::string::npos;
    if (token && target.position + 1 != graph.tokens.size()) {
      out += fmt::format(" after {}", target.position);
    }
  }
  out +=
      fmt::format("\nfeatures     {} fire, {} followed back; {} of the influence ends at others\n",
                  graph.active.size(), graph.selected.size(), percent(graph.unexpanded));
  out += fmt::format("replacement  {}   ({} without what was not followed)\n",
                     score_text(outcome.scores.replacement),
                     score_text(outcome.without_unselected.replacement));
  out += fmt::format("completeness {}   ({} without what was not followed)\n",
                     score_text(outcome.scores.completeness),
                     score_text(outcome.without_unselected.completeness));
  return out + fmt::format("rows add up  to {:.1e} of their size\n", graph.largest_residual);
}

/// The nodes that most of the influence comes to.
std::string table(const TraceOutcome& outcome) {
  std::vector<TableRow> rows = {{"influence", "node", "at", "token", "activation"}};
  const AttributionGraph& graph = outcome.graph;
  for (const TopNode& node : outcome.top) {
    const bool feature = node.node < graph.counts.features;
    const std::size_t position = feature
                                     ? graph.feature(node.node).position
                                     : (node.node - graph.counts.features) % graph.counts.positions;
    rows.push_back({percent(node.share), node_text(outcome, node.node), fmt::format("{}", position),
                    visible(outcome.token_texts[position], 20),
                    feature ? fmt::format("{:.4g}", graph.feature(node.node).activation) : ""});
  }
  return format_table(rows, {true, false, true, false, true});
}

class TraceCommand final : public Command {
 public:
  std::vector<BoundField> fields() override { return bind_fields(trace_fields(), request_); }
  InputOptions* input() override { return &request_; }
  void check_usage() override {
    require_input(request_);
    as_usage([&] { check_trace(request_); });
  }

  int run(Surroundings around) override {
    Console& console = around.console;
    const OutputFlags& flags = console.flags();
    require(flags.output.empty() || flags.output != request_.raw,
            "-o and --raw name the same file: give two names");
    for (const std::string& file : {flags.output, request_.raw}) {
      if (!file.empty()) {
        check_free(file, flags.force);
      }
    }
    Session session = open_model(request_, console);
    const TraceOutcome outcome = trace_prompt(session, request_, around.interrupt.token());
    print_notes(session, console);
    for (const std::string& note : outcome.dictionary.notes) {
      console.note(note);
    }
    console.detail(fmt::format("model and encoding {:.2f} s, rows {:.2f} s", outcome.forward_s,
                               outcome.rows_s));
    if (!request_.raw.empty()) {
      save_raw_graph(session, outcome, request_.raw);
    }
    if (!flags.output.empty()) {
      write_file(flags.output,
                 graph_file(session, outcome, request_, slug_of(flags.output)).dump() + "\n");
    }
    if (console.json()) {
      console.write_result("trace", provenance_of(session, outcome), to_json(outcome));
    } else {
      console.write(summary(outcome) + "\n" + table(outcome));
    }
    return 0;
  }

 private:
  TraceRequest request_;
};

}  // namespace

std::unique_ptr<Command> make_trace_command() {
  return std::make_unique<TraceCommand>();
}

}  // namespace cajal
