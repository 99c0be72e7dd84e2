#include "service/measure.h"

#include <algorithm>

#include "base/file.h"
#include "cli/dictionary_commands.h"
#include "cli/live_line.h"
#include "cli/model_command.h"
#include "cli/text_table.h"

namespace cajal {
namespace {

std::string number(const std::optional<double>& value, const char* absent = "") {
  return value ? fmt::format("{:.4g}", *value) : absent;
}

/// A row for each figure, a column for each layer and one for all.
std::string metrics_table(const DictionaryResult& result) {
  std::vector<TableRow> rows = {{"figure"}};
  for (const LayerResult& layer : result.layers) {
    rows[0].push_back(fmt::format("layer {}", layer.layer));
  }
  rows[0].emplace_back("all");
  for (std::size_t m = 0; m < result.total.size(); ++m) {
    TableRow& row = rows.emplace_back(TableRow{result.total[m].name});
    for (const LayerResult& layer : result.layers) {
      row.push_back(number(layer.metrics[m].value));
    }
    row.push_back(number(result.total[m].value));
  }
  for (const Metric& metric : result.splice.all) {
    TableRow& row = rows.emplace_back(TableRow{metric.name});
    for (const LayerResult& layer : result.layers) {
      row.push_back(number(value_of(layer.splice.all, metric.name)));
    }
    row.push_back(number(metric.value));
  }
  std::vector<bool> right(rows[0].size(), true);
  right[0] = false;
  return format_table(rows, right);
}

std::string baselines_table(const DictionaryResult& result) {
  std::vector<TableRow> rows = {{"", "L0", "FVU", "CE recovered", "KL", ""}};
  const auto add = [&](std::string name, const std::vector<Metric>& total,
                       const SpliceResult& splice, std::string note) {
    rows.push_back({std::move(name), number(value_of(total, "l0_mean")),
                    number(value_of(total, "fvu")),
                    number(value_of(splice.all, "ce_recovered_sae_keep_bos_vs_zero_keep_bos")),
                    number(value_of(splice.all, "kl_sae_keep_bos")), std::move(note)});
  };
  add("this dictionary", result.total, result.splice, "");
  for (const BaselineResult& b : result.baselines) {
    add(b.name, b.total, b.splice, b.why_not ? "not measured: " + *b.why_not : b.how);
  }
  return "\n" + format_table(rows, {false, true, true, true, true});
}

std::string tasks_table(const ReplacedScores& scores) {
  std::vector<TableRow> rows = {
      {"task", "kind", "split", "of", "model", "replaced", "with errors"}};
  for (std::size_t i = 0; i < scores.own.size(); ++i) {
    const KindScore& own = scores.own[i];
    rows.push_back({own.task, own.kind, std::string(name_of(own.split)), fmt::format("{}", own.n),
                    percent(own.score()), percent(scores.replaced[i].score()),
                    percent(scores.with_errors[i].score())});
  }
  return format_table(rows, {false, false, false, true, true, true, true});
}

/// How many labels of each kind have a feature, the hardest kinds last.
std::string kinds_table(const TruthResult& truth) {
  struct Kind {
    std::string name;
    std::size_t labels = 0;
    std::size_t good = 0;
    std::size_t very_good = 0;
    double f1 = 0.0;
  };
  std::vector<Kind> kinds;
  for (const TruthLabel& label : truth.labels) {
    if (kinds.empty() || kinds.back().name != label.kind) {
      kinds.push_back({.name = label.kind});
    }
    Kind& kind = kinds.back();
    ++kind.labels;
    kind.good += label.f1 >= 0.8 ? 1U : 0U;
    kind.very_good += label.f1 >= 0.9 ? 1U : 0U;
    kind.f1 += label.f1;
  }
  std::vector<TableRow> rows = {{"truth", "values", "F1 >= 0.8", "F1 >= 0.9", "mean F1"}};
  for (const Kind& kind : kinds) {
    rows.push_back({kind.name, fmt::format("{}", kind.labels), fmt::format("{}", kind.good),
                    fmt::format("{}", kind.very_good),
                    fmt::format("{:.2f}", kind.f1 / static_cast<double>(kind.labels))});
  }
  return "\n" + format_table(rows, {false, true, true, true, true}) +
         fmt::format("\n{} documents, {} tokens; {} values too rare to say\n", truth.documents,
                     truth.tokens, truth.rare);
}

std::string labels_table(const TruthResult& truth, const std::vector<std::size_t>& layers) {
  std::vector<TableRow> rows = {
      {"truth", "feature", "spans", "F1", "precision", "recall", "AUROC"}};
  for (const TruthLabel& l : truth.labels) {
    rows.push_back({fmt::format("{}={}", l.kind, visible(l.value, 30)),
                    fmt::format("{}:{}", layers[l.site], l.feature), fmt::format("{}", l.spans),
                    fmt::format("{:.2f}", l.f1), fmt::format("{:.2f}", l.precision),
                    fmt::format("{:.2f}", l.recall), fmt::format("{:.3f}", l.auroc)});
  }
  return "\n" + format_table(rows, {false, true, true, true, true, true, true});
}

std::string probes_table(const std::vector<ProbeCurve>& curves) {
  std::vector<TableRow> rows = {{"probe", "of", "at", "best point", "accuracy", "usual"}};
  for (const ProbeCurve& c : curves) {
    const ProbePoint& best = c.points[c.best()];
    rows.push_back({fmt::format("{}: {}", c.task, c.hidden), fmt::format("{}", c.n),
                    std::string(name_of(c.place)), best.point, percent(best.accuracy),
                    percent(c.majority)});
  }
  return "\n" + format_table(rows, {false, true, false, false, true, true});
}

class MeasureCommand final : public Command {
 public:
  std::vector<BoundField> fields() override { return bind_fields(measure_fields(), request_); }
  void check_usage() override {
    as_usage([&] { check_measure(request_); });
  }

  int run(Surroundings around) override {
    Console& console = around.console;
    if (!request_.svg.empty()) {
      check_free(request_.svg, console.flags().force);
    }
    console.open_output();
    Session session = open_model(request_, console);
    MeasureResult result;
    {
      LiveLine line(console);
      result = measure(session, request_, around.interrupt.token(),
                       [&](std::string_view what) { line.show(what); });
    }
    print_notes(session, console);
    if (console.json()) {
      console.write_result("measure", result.provenance, to_json(result));
    } else {
      console.write(text_of(result, console.flags().verbose));
    }
    if (!request_.svg.empty()) {  // last: a full disk costs the picture, not the figures
      write_file(request_.svg,
                 to_svg(result, fmt::format("{} on {}", request_.dictionary, session.name)));
    }
    return 0;
  }

 private:
  static std::string text_of(const MeasureResult& result, bool verbose) {
    std::string out;
    if (result.corpus) {
      out += metrics_table(*result.corpus) + baselines_table(*result.corpus) +
             fmt::format("\n{} tokens; {} predictions with layers replaced and for baselines\n",
                         result.corpus->tokens, result.corpus->splice_tokens);
    }
    if (result.truth) {
      out += (out.empty() ? "" : "\n") + tasks_table(*result.scores) + kinds_table(*result.truth) +
             (verbose ? labels_table(*result.truth, result.model_layers) : "");
    }
    if (!result.probes.empty()) {
      out += probes_table(result.probes);
    }
    return out;
  }

  MeasureRequest request_;
};

}  // namespace

std::unique_ptr<Command> make_measure_command() {
  return std::make_unique<MeasureCommand>();
}

}  // namespace cajal
