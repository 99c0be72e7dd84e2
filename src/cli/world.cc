#include "service/world.h"

#include "base/error.h"
#include "cli/command.h"
#include "cli/text_table.h"

namespace cajal {
namespace {

/// The text, and below it what is true of which part.
std::string shown(const Document& document) {
  std::vector<TableRow> rows;
  rows.reserve(document.spans.size());
  for (const Span& span : document.spans) {
    rows.push_back({"   ", fmt::format("{}..{}", span.begin, span.end),
                    visible(covered(document.text, span)),
                    visible(fmt::format("{}={}", span.kind, span.value))});
  }
  return fmt::format("{}\n{}\n", document.text, format_table(rows, {false, true}));
}

std::string table(const std::vector<TaskStats>& stats) {
  std::vector<TableRow> rows = {{"task", "weight", "share", "bytes", "train", "heldout", "facts",
                                 "exposures", "what it is about"}};
  for (const TaskStats& task : stats) {
    rows.push_back(
        {task.task, fmt::format("{:.2g}", task.weight), fmt::format("{:.1f} %", 100.0 * task.share),
         fmt::format("{:.0f}", task.document_bytes), fmt::format("{}", task.train_questions),
         fmt::format("{}", task.heldout_questions), fmt::format("{}", task.facts),
         task.facts == 0 ? "" : fmt::format("{:.0f}", task.exposures), task.summary});
  }
  return format_table(rows, {false, true, true, true, true, true, true, true}) +
         "\nbytes: of a document; train, heldout: questions; facts: seen in 20,000 documents;\n"
         "exposures: of a fact in 100 MB of the default mix\n";
}

std::string table(const std::vector<WorldFile>& files) {
  std::vector<TableRow> rows = {{"file", "lines", "bytes"}};
  for (const WorldFile& file : files) {
    rows.push_back({file.name, fmt::format("{}", file.lines), fmt::format("{}", file.bytes)});
  }
  return format_table(rows, {false, true, true});
}

class WorldCommand final : public Command {
 public:
  std::vector<BoundField> fields() override { return bind_fields(world_fields(), request_); }
  void check_usage() override {
    try {
      check_world(request_);
    } catch (const Error& error) {
      throw UsageError(error.what());
    }
  }

  int run(Surroundings around) override {
    Console& console = around.console;
    request_.force = console.flags().force;
    console.open_output();
    if (request_.stats) {
      const std::vector<TaskStats> stats = world_stats(request_, around.interrupt.token());
      print(console, to_json(stats), table(stats));
    } else if (!request_.write.empty()) {
      const std::vector<WorldFile> files = write_world(request_, around.interrupt.token());
      print(console, to_json(files), table(files));
    } else {
      const WorldSample sample = sample_world(request_, around.interrupt.token());
      std::string text;
      for (const Document& document : sample.documents) {
        text += shown(document);
      }
      print(console, to_json(sample), text);
    }
    return 0;
  }

 private:
  void print(Console& console, Json result, const std::string& text) const {
    if (console.json()) {
      console.write_result("world", {.seed = request_.seed}, std::move(result));
    } else {
      console.write(text);
    }
  }

  WorldRequest request_;
};

}  // namespace

std::unique_ptr<Command> make_world_command() {
  return std::make_unique<WorldCommand>();
}

}  // namespace cajal
