// Proof on a model from elsewhere: stories260K, a Llama of 260,000 parameters that tells stories.
// Charts of a hundred held-out stories: do rows add up, how much is not explained, and how many
// claims hold? There is no aim but that rows add up; the figures are what they are.
#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "base/cancel.h"
#include "base/error.h"
#include "corpus/reader.h"
#include "corpus/world/dice.h"
#include "explain/calibration.h"
#include "explain/experiments/charted.h"
#include "explain/experiments/group_swap.h"
#include "model/generate.h"

namespace cajal {
namespace {

constexpr std::size_t kShortest = 16;  // tokens of a prompt
constexpr std::size_t kLongest = 48;
constexpr std::size_t kAnswer = 24;  // tokens looked at for one with content, as explain does
constexpr std::size_t kControls = 20;
constexpr std::size_t kExamples = 5;
constexpr double kMostResidual = 1000.0 * std::numeric_limits<float>::epsilon();

bool has_content(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  });
}

/// Numbers of all charts, one for each.
struct Columns {
  std::vector<double> residual, unexplained, replacement, completeness, ideas_hold, held;
};

/// Claims of one kind over all charts.
struct Claimed {
  Rate held, sign, size, beyond;
  std::vector<double> predicted, measured;

  void add(const TriedClaim& claim) {
    held.add(claim.held());
    sign.add(claim.sign);
    size.add(claim.size);
    beyond.add(claim.beyond);
    predicted.push_back(claim.predicted);
    measured.push_back(claim.measured);
  }
  double median_ratio() const {
    std::vector<double> ratios;
    for (std::size_t i = 0; i < predicted.size(); ++i) {
      if (predicted[i] != 0.0) {
        ratios.push_back(measured[i] / predicted[i]);
      }
    }
    return percentile(std::move(ratios), 0.5);
  }
};

class Stories {
 public:
  Stories(const Subject& subject, const ExperimentOptions& options)
      : subject_(subject), options_(options) {}

  ExperimentResult run() {
    const std::vector<Document> all = read_documents(options_.corpus);
    check(all.size() >= options_.cases, "{}: has {} texts, fewer than {} cases",
          options_.corpus.string(), all.size(), options_.cases);
    // The last ones: those before them were learned on, or set thresholds
    // (recipes/stories260K.yaml).
    for (std::size_t i = all.size() - options_.cases; i < all.size(); ++i) {
      check_cancelled(options_.cancel);
      add(all[i].text, i);
      if (options_.progress) {
        options_.progress(columns_.residual.size(), options_.cases);
      }
    }
    return result();
  }

 private:
  void add(const std::string& text, std::size_t index) {
    std::vector<TokenId> ids = subject_.tokenizer->encode_ids(text);
    Dice dice(options_.seed, "stories", index);
    ids.resize(std::min(ids.size(), kShortest + dice.below(kLongest - kShortest + 1)));
    const std::optional<TokenId> token = answer(ids);
    check(token.has_value(), "{}: text {} is followed by no word", options_.corpus.string(),
          index + 1);
    ChartedToken charted = chart_token(subject_, ids, *token, options_.cancel);
    try_claims(subject_, charted, kControls, options_.seed, options_.cancel);
    take(charted.parts.chart);
  }

  /// The first token with content that the model goes on with; what comes before it is read.
  std::optional<TokenId> answer(std::vector<TokenId>& ids) const {
    GenerateOptions options;
    options.max_tokens = kAnswer;
    options.stop_ids = subject_.stop;
    options.precision = subject_.precision;
    const Generation said =
        generate(subject_.backend, *subject_.model, nullptr, std::span(&ids, 1), options).front();
    for (const TokenId id : said.ids) {
      if (!subject_.tokenizer->is_special(id) && has_content(token_text(subject_, id))) {
        return id;
      }
      ids.push_back(id);
    }
    return std::nullopt;
  }

  void take(const Chart& chart) {
    columns_.residual.push_back(chart.largest_residual);
    columns_.unexplained.push_back(chart.unexplained);
    columns_.replacement.push_back(chart.replacement);
    columns_.completeness.push_back(chart.completeness);
    columns_.ideas_hold.push_back(chart.ideas_hold);
    columns_.held.push_back(static_cast<double>(chart.claims_held) /
                            static_cast<double>(std::max<std::size_t>(chart.claims_tried, 1)));
    charts_.right += chart.claims_held;
    charts_.n += chart.claims_tried;
    for (const ChartBox& box : chart.boxes) {
      if (box.claim) {
        (box.kind == BoxKind::Idea ? ideas_ : words_).add(*box.claim);
      }
    }
    for (const ChartEdge& edge : chart.edges) {
      if (const ChartBox* target = chart.box(edge.target);
          edge.claim && target != nullptr && target->kind == BoxKind::Idea) {
        edges_.add(*edge.claim);
      }
    }
    if (examples_.size() < kExamples) {
      examples_.push_back(
          {.prompt = chart.prompt,
           .wanted = {},
           .unchanged = chart.answer,
           .changed = fmt::format("{} of {} claims held; not explained {:.0f} %", chart.claims_held,
                                  chart.claims_tried, 100.0 * chart.unexplained)});
    }
  }

  static void observe(const std::string& what, const Claimed& claims, ExperimentResult& out) {
    out.observations.push_back({what, "held", claims.held});
    out.observations.push_back({what, "the sign is right", claims.sign});
    out.observations.push_back({what, "of the size predicted", claims.size});
    out.observations.push_back({what, "more than random groups", claims.beyond});
    out.notes.push_back(fmt::format(
        "{}: measured is {:.2f} of what was predicted (median); the two correlate at {:.2f}.", what,
        claims.median_ratio(), correlation(claims.predicted, claims.measured)));
  }

  ExperimentResult result() {
    ExperimentResult out{.name = "stories"};
    out.question =
        "Of charts of a Llama from elsewhere that tells stories: do their rows add up, how much do "
        "they leave unexplained, and how many of their claims hold when they are tried?";
    out.method = fmt::format(
        "{} stories that neither transcoders nor thresholds were learned on, each cut after {} to "
        "{} tokens; the first token of the model's own continuation that has a letter or digit is "
        "explained, as cajal explain does, and every claim is tried with nothing frozen beside {} "
        "random groups.",
        options_.cases, kShortest, kLongest, kControls);
    out.setting = "explain as it is";
    out.observations.push_back({"claims that charts count", "held", charts_});
    observe("claims about ideas", ideas_, out);
    observe("claims about edges to ideas", edges_, out);
    observe("claims about words", words_, out);
    out.figures = {figure_of("largest relative row residual", columns_.residual),
                   figure_of("not explained", columns_.unexplained),
                   figure_of("replacement score", columns_.replacement),
                   figure_of("completeness score", columns_.completeness),
                   figure_of("kept influence that ideas hold", columns_.ideas_hold),
                   figure_of("claims held, of a chart", columns_.held)};
    out.goals = {{fmt::format("every row adds up within {:.1g}", kMostResidual),
                  out.figures.front().largest <= kMostResidual}};
    out.examples = std::move(examples_);
    return out;
  }

  const Subject& subject_;
  const ExperimentOptions& options_;
  Columns columns_;
  Rate charts_;
  Claimed ideas_;
  Claimed edges_;
  Claimed words_;
  std::vector<ExperimentExample> examples_;
};

}  // namespace

ExperimentResult run_stories(const Subject& subject, const ExperimentOptions& options) {
  return Stories(subject, options).run();
}

}  // namespace cajal
