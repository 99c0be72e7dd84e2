#include "service/explain.h"

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <set>
#include <unistd.h>

#include "base/file.h"
#include "cli/dictionary_commands.h"
#include "cli/model_command.h"
#include "service/explain_files.h"
#include "service/explain_versus.h"
#include "service/trace.h"

namespace cajal {
namespace {

/// Files that appear all together at the end, or not at all.
class Outputs {
 public:
  void add(const std::string& path, std::string bytes) {
    files_.emplace_back(path, std::move(bytes));
  }
  void commit() const {
    std::vector<std::unique_ptr<AtomicFile>> open;
    for (const auto& [path, bytes] : files_) {
      open.push_back(std::make_unique<AtomicFile>(path));
      open.back()->write(bytes);
    }
    for (const auto& file : open) {
      file->commit();
    }
  }

 private:
  std::vector<std::pair<std::string, std::string>> files_;
};

/// "page.html" of the first token, "page-2.html" of the second.
std::string numbered(const std::string& file, std::size_t number) {
  if (number == 1) {
    return file;
  }
  const std::filesystem::path path(file);
  const std::string name =
      fmt::format("{}-{}{}", path.stem().string(), number, path.extension().string());
  return (path.parent_path() / name).string();
}

class ExplainCommand final : public Command {
 public:
  std::vector<BoundField> fields() override { return bind_fields(explain_fields(), request_); }
  InputOptions* input() override { return &request_; }
  void check_usage() override {
    require_input(request_);
    as_usage([&] { check_explain(request_); });
  }

  int run(Surroundings around) override {
    const Console& console = around.console;
    check_files(console.flags());
    Session session = open_model(request_, console);
    if (request_.versus) {
      compare(session, around);
    } else {
      explain(session, around);
    }
    return 0;
  }

 private:
  void explain(Session& session, Surroundings around) {
    Console& console = around.console;
    Outputs outputs;
    std::size_t count = 0;
    std::string text;
    const auto sink = [&](const ExplainOutcome& outcome, const Explanation& one) {
      if (count++ == 0) {
        say(session, outcome, console);
      }
      say_phases(one.phases, console);
      add_files(session, outcome, one, count, console.flags(), outputs);
      if (console.json()) {
        console.write_result("explain", provenance_of(session, outcome), chart_json(one.chart));
      } else {
        text += (text.empty() ? "" : "\n") + chart_text(one.chart, colours(console.flags()));
      }
    };
    explain_prompt(session, request_, sink, around.interrupt.token());
    outputs.commit();
    if (!console.json()) {
      console.write(text);
    }
  }

  /// One picture of both prompts, and the graph of each.
  void compare(Session& session, Surroundings around) {
    Console& console = around.console;
    const OutputFlags& flags = console.flags();
    check_numbered(2, {flags.output}, flags);
    const VersusOutcome outcome = explain_versus(session, request_, around.interrupt.token());
    say(session, outcome.common, console);
    say_phases(outcome.phases, console);
    Outputs outputs;
    for (std::size_t i = 0; i < outcome.prompts.size(); ++i) {
      add_graph(session, outcome.common, outcome.prompts[i], i + 1, flags, outputs);
    }
    add_pictures(outcome.chart, 1, outputs);
    outputs.commit();
    if (console.json()) {
      console.write_result("explain", provenance_of(session, outcome.common),
                           chart_json(outcome.chart));
    } else {
      console.write(chart_text(outcome.chart, colours(flags)));
    }
  }

  static ChartColours colours(const OutputFlags&) {
    const char* none = std::getenv("NO_COLOR");
    const bool plain = none != nullptr && *none != '\0';
    return !plain && ::isatty(STDOUT_FILENO) == 1 ? ChartColours::Ansi : ChartColours::None;
  }

  std::vector<std::string> files(const OutputFlags& flags) const {
    std::vector<std::string> out;
    for (const std::string& file : {flags.output, request_.html, request_.svg, request_.png}) {
      if (!file.empty()) {
        out.push_back(file);
      }
    }
    return out;
  }

  void check_files(const OutputFlags& flags) const {
    std::set<std::string> seen;
    for (const std::string& file : files(flags)) {
      require(seen.insert(file).second, "-o, --html, --svg and --png need files of their own");
      check_free(file, flags.force);
    }
  }

  static void say(Session& session, const ExplainOutcome& outcome, const Console& console) {
    print_notes(session, console);
    for (const std::string& note : outcome.notes) {
      console.note(note);
    }
    console.detail(fmt::format("answer: {:.3f} s", outcome.answer_s));
    console.detail(fmt::format("dictionary and atlas: {:.3f} s", outcome.open_s));
  }

  static void say_phases(const std::vector<ExplainPhase>& phases, const Console& console) {
    for (const auto& [phase, seconds] : phases) {
      console.detail(fmt::format("{}: {:.3f} s", phase, seconds));
    }
  }

  /// The first files were looked at before anything was computed.
  static void check_numbered(std::size_t count, const std::vector<std::string>& files,
                             const OutputFlags& flags) {
    for (const std::string& file : files) {
      if (count > 1 && !file.empty()) {
        check_free(numbered(file, count), flags.force);
      }
    }
  }

  void add_files(const Session& session, const ExplainOutcome& outcome, const Explanation& one,
                 std::size_t count, const OutputFlags& flags, Outputs& outputs) const {
    check_numbered(count, files(flags), flags);
    add_graph(session, outcome, one, count, flags, outputs);
    add_pictures(one.chart, count, outputs);
  }

  static void add_graph(const Session& session, const ExplainOutcome& outcome,
                        const Explanation& one, std::size_t count, const OutputFlags& flags,
                        Outputs& outputs) {
    if (!flags.output.empty()) {
      const std::string file = numbered(flags.output, count);
      outputs.add(file, graph_file(session, outcome, one, slug_of(file)).dump() + "\n");
    }
  }

  template <typename Picture>
  void add_pictures(const Picture& chart, std::size_t count, Outputs& outputs) const {
    if (!request_.html.empty()) {
      outputs.add(numbered(request_.html, count), chart_html(chart));
    }
    if (!request_.svg.empty()) {
      outputs.add(numbered(request_.svg, count), chart_svg(chart));
    }
    if (!request_.png.empty()) {
      outputs.add(numbered(request_.png, count), chart_png(chart));
    }
  }

  ExplainRequest request_;
};

}  // namespace

std::unique_ptr<Command> make_explain_command() {
  return std::make_unique<ExplainCommand>();
}

}  // namespace cajal
