// A whole explanation on the specimen: a prompt of 20 tokens, its claims tried, the page written.
#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "base/error.h"
#include "corpus/world/world.h"
#include "explain/chart/chart.h"
#include "figure.h"
#include "program.h"
#include "service/explain.h"
#include "service/explain_files.h"
#include "service/input.h"
#include "timing.h"

namespace cajal::bench {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kPromptTokens = 20;
constexpr double kAim = 1.0;               // seconds, of the whole process
constexpr double kMostRowResidual = 1e-4;  // of rows, which have to add up
constexpr std::size_t kControls = 20;

/// Held-out questions that the specimen's tokenizer reads as 20 tokens, of each task the first.
std::vector<std::string> prompts_of(Session& session) {
  const World world;
  std::vector<std::string> out;
  for (const Task* task : world.tasks_named("")) {
    for (const Question& question : task->questions(Split::Heldout)) {
      InputOptions input;
      input.text = question.prompt;
      if (input_ids(session, input).size() == kPromptTokens) {
        out.push_back(question.prompt);
        break;
      }
    }
  }
  return out;
}

/// What one explanation took, by phase, in the order they came.
struct ExplainRun {
  std::vector<std::pair<std::string, double>> phases;
  double processor_s = 0.0;
  Chart chart;
  std::size_t tokens = 0;
  std::size_t page_bytes = 0;

  double seconds() const {
    double out = 0.0;
    for (const auto& [name, took] : phases) {
      out += took;
    }
    return out;
  }
};

ExplainRun explain_once(const std::string& prompt) {
  ExplainRun out;
  const double processor = processor_seconds();
  ExplainRequest request;
  request.text = prompt;
  request.controls = kControls;
  std::optional<Session> session;
  const double load = seconds_of([&] { session = open_session(request); });
  ExplainOutcome outcome;
  outcome = explain_prompt(*session, request, [&](const ExplainOutcome&, Explanation one) {
    out.tokens = one.ids.size();
    out.phases = std::move(one.phases);
    out.chart = std::move(one.chart);
  });
  out.phases.insert(out.phases.begin(),
                    {{"load", load + outcome.open_s}, {"answer", outcome.answer_s}});
  out.phases.emplace_back("page",
                          seconds_of([&] { out.page_bytes = chart_html(out.chart).size(); }));
  out.processor_s = processor_seconds() - processor;
  return out;
}

/// The first that is answered at once with a word or a number: then nothing else is read.
std::string chosen_prompt() {
  Session session = open_session({});
  for (const std::string& prompt : prompts_of(session)) {
    if (explain_once(prompt).tokens == kPromptTokens) {
      return prompt;
    }
  }
  fail(ErrorCode::NotFound, "the world has no question of {} tokens with a word as its answer",
       kPromptTokens);
}

/// Every claim that the chart should have was tried beside all its controls, and rows add up.
bool right(const ExplainRun& run) {
  const Chart& chart = run.chart;
  std::size_t tried = 0;
  bool all = true;
  for (const ChartBox& box : chart.boxes) {
    const bool idea = box.kind == BoxKind::Idea;
    tried += idea && box.claim ? 1U : 0U;
    all = all && (!idea || (box.claim && box.claim->controls == kControls));
  }
  return all && tried > 0 && chart.claims_tried >= tried && run.tokens == kPromptTokens &&
         chart.largest_residual < kMostRowResidual && run.page_bytes > 0;
}

/// From the start of the program to its end, the page in a file; nullopt if it is not there or did
/// not do so.
std::optional<double> process_seconds(const std::string& prompt, const Options& options) {
  const auto program = sibling_program("cajal");
  if (!program) {
    return std::nullopt;
  }
  const fs::path page = fs::temp_directory_path() / "cajal-bench-explain.html";
  int status = 0;
  const double best = best_seconds(options.rounds, [&] {
    status |= run_program(
        {program->string(), "explain", prompt, "-q", "--html", page.string(), "--force"});
  });
  fs::remove(page);
  return status == 0 ? std::optional(best) : std::nullopt;
}

}  // namespace

std::vector<Figure> explain_figures(const Options& options) {
  if (!fits("explain", options)) {
    return {};
  }
  const std::string prompt = chosen_prompt();
  ExplainRun best = explain_once(prompt);
  for (int i = 1; i < options.rounds; ++i) {
    ExplainRun run = explain_once(prompt);
    if (run.seconds() < best.seconds()) {
      best = std::move(run);
    }
  }
  const bool checked = right(best);
  const std::string group = fmt::format("explain/{}-tokens-", kPromptTokens);
  std::vector<Figure> out;
  const auto process = process_seconds(prompt, options);
  out.push_back({group + "process_s", process.value_or(0.0), "s", kAim, "the aim: one second",
                 checked && process.has_value()});
  out.push_back({group + "without_start_s", best.seconds(), "s", 0.0, "", checked});
  for (const auto& [phase, seconds] : best.phases) {
    std::string name = phase;
    std::replace(name.begin(), name.end(), ' ', '_');
    out.push_back({group + name + "_s", seconds, "s", 0.0, "", checked});
  }
  out.push_back({group + "processor_s", best.processor_s, "s", 0.0, "", checked});
  out.push_back(
      {group + "claims_tried", static_cast<double>(best.chart.claims_tried), "", 0.0, "", checked});
  out.push_back(
      {group + "residual_per_million", 1e6 * best.chart.largest_residual, "", 0.0, "", checked});
  return out;
}

}  // namespace cajal::bench
