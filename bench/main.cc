// cajal-bench: how fast cajal is on this machine, beside what the machine can do.
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <span>
#include <string_view>
#include <unistd.h>

#include "base/error.h"
#include "base/parallel.h"
#include "base/version.h"
#include "figure.h"
#include "io/json.h"
#include "ops/cpu/isa.h"

namespace cajal::bench {
namespace {

constexpr std::string_view kHelp = R"(cajal-bench [FILTER] [options]

Measures the kernels of training, and models of two published shapes with random weights (made in
a temporary folder), or a model or tokenizer of yours. Every figure comes with the limit measured in
the same run and with a check of the result that was timed.

  FILTER              only groups whose name contains it: training, training-step, dictionary,
                      dictionary-million (by its whole name only: 11 GB), atlas, trace,
                      long-prompt-1024, long-prompt-4096, rows-are-linear, explain, gpt2-small-f32,
                      llama-1b-bf16
  --model PATH        measure this model instead
  --tokenizer FILE    measure a tokenizer (with --text FILE) instead
  --text FILE
  --piece N           give the tokenizer about N bytes at a time (default 10000)
  --activations FILE  learn an SAE of 4,096 features, k 16, on the rows "x" of a safetensors file, and
                      say how well it reconstructs its rows "heldout" (bench/peers compares); it
                      begins with the rows "start", if there are some
  --cache FOLDER      where files for trace are kept (2.4 GB; default: cajal-bench in the folder
                      for temporary files)
  --rows N            rows of long prompts (default: 500, then 1000)
  -t N                threads (default: all)
  --rounds N          runs of which the fastest counts (default 5)
  --json              {"schema":1, ..., "result":{"figures":[...]}}

Example: cajal-bench gpt2 -t 2
)";

struct Command {
  Options options;
  bool json = false;
  bool help = false;
};

int number(std::string_view text, std::string_view flag) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  check(error == std::errc() && end == text.data() + text.size() && value > 0,
        "{} needs a positive number, not '{}'", flag, text);
  return value;
}

Command parse(std::span<char*> arguments) {
  Command command;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string_view flag = arguments[i];
    const auto next = [&]() -> std::string_view {
      check(i + 1 < arguments.size(), "{} needs a value", flag);
      return arguments[++i];
    };
    if (flag == "--json") {
      command.json = true;
    } else if (flag == "--help" || flag == "-h") {
      command.help = true;
    } else if (flag == "--model") {
      command.options.model = next();
    } else if (flag == "--tokenizer") {
      command.options.tokenizer = next();
    } else if (flag == "--text") {
      command.options.text = next();
    } else if (flag == "--activations") {
      command.options.activations = next();
    } else if (flag == "--cache") {
      command.options.cache = next();
    } else if (flag == "--piece") {
      command.options.piece = static_cast<std::size_t>(number(next(), flag));
    } else if (flag == "--rows") {
      command.options.rows = static_cast<std::size_t>(number(next(), flag));
    } else if (flag == "--rounds") {
      command.options.rounds = number(next(), flag);
    } else if (flag == "-t") {
      set_threads(number(next(), flag));
    } else {
      check(!flag.starts_with("-"), "there is no option {}; see --help", flag);
      command.options.filter = flag;
    }
  }
  return command;
}

double fraction(const Figure& figure) {
  if (figure.limit == 0.0) {
    return 0.0;
  }
  return figure.unit == "s" ? figure.limit / figure.value : figure.value / figure.limit;
}

Json to_json(const std::vector<Figure>& figures) {
  Json::Array out;
  for (const Figure& f : figures) {
    const bool limited = f.limit != 0.0;
    out.push_back(Json::object({{"name", f.name},
                                {"value", f.value},
                                {"unit", f.unit},
                                {"limit", limited ? Json(f.limit) : Json()},
                                {"fraction", limited ? Json(fraction(f)) : Json()},
                                {"limit_is", limited ? Json(f.limit_is) : Json()},
                                {"checked", f.checked}}));
  }
  return Json::object(
      {{"schema", 1},
       {"command", "bench"},
       {"provenance", Json::object({{"version", fmt::format("{} ({})", version(), git_commit())},
                                    {"device", "cpu"},
                                    {"instruction_set", cpu_isa_name()},
                                    {"threads", threads()}})},
       {"result", Json::object({{"figures", Json(std::move(out))}})}});
}

void print(const std::vector<Figure>& figures) {
  for (const Figure& f : figures) {
    std::cout << fmt::format("{:<52} {:>10.2f} {:<9}", f.name, f.value, f.unit);
    if (f.limit != 0.0) {
      std::cout << fmt::format("{:.2f} of {:.2f} ({})", fraction(f), f.limit, f.limit_is);
    }
    std::cout << (f.checked ? "" : "  WRONG RESULT") << "\n";
  }
}

std::vector<Figure> measure(const Options& options) {
  if (!options.tokenizer.empty()) {
    return tokenizer_figures(options);
  }
  if (!options.activations.empty()) {
    return dictionary_figures(options);
  }
  std::vector<Figure> figures;
  if (options.model.empty()) {
    figures = training_figures(options);
    const std::vector<Figure> steps = step_figures(options);
    figures.insert(figures.end(), steps.begin(), steps.end());
    const std::vector<Figure> dictionaries = dictionary_figures(options);
    figures.insert(figures.end(), dictionaries.begin(), dictionaries.end());
    const std::vector<Figure> atlas = atlas_figures(options);
    figures.insert(figures.end(), atlas.begin(), atlas.end());
    const std::vector<Figure> traces = trace_figures(options);
    figures.insert(figures.end(), traces.begin(), traces.end());
    const std::vector<Figure> explained = explain_figures(options);
    figures.insert(figures.end(), explained.begin(), explained.end());
  }
  const std::vector<Figure> more = model_figures(options);
  figures.insert(figures.end(), more.begin(), more.end());
  return figures;
}

int run(std::span<char*> arguments) {
  const Command command = parse(arguments);
  if (command.help) {
    std::cout << kHelp;
    return 0;
  }
  const std::vector<Figure> figures = measure(command.options);
  if (command.json) {
    std::cout << to_json(figures).dump() << "\n";
  } else {
    print(figures);
  }
  for (const Figure& f : figures) {
    if (!f.checked) {
      return 1;
    }
  }
  return 0;
}

}  // namespace
}  // namespace cajal::bench

int main(int argc, char** argv) {
  // libgomp reads this when it is loaded, so it must be there before the program starts.
  if (std::getenv("GOMP_SPINCOUNT") == nullptr) {
    ::setenv("GOMP_SPINCOUNT", "1000", 1);
    ::execv("/proc/self/exe", argv);
  }
  try {
    return cajal::bench::run({argv + 1, static_cast<std::size_t>(argc - 1)});
  } catch (const cajal::Error& error) {
    std::cerr << "cajal-bench: error: " << error.what() << "\n";
    return 1;
  }
}
