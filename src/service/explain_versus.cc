#include "service/explain_versus.h"

#include <limits>

#include "base/error.h"
#include "base/split.h"
#include "base/whole_number.h"
#include "explain/idea_name.h"
#include "explain/versus/build_versus.h"
#include "service/explainer.h"
#include "service/input.h"

namespace cajal {
namespace {

/// "1,2,3".
std::vector<TokenId> ids_of(const std::string& text) {
  constexpr std::size_t kMostId = std::numeric_limits<TokenId>::max();
  std::vector<TokenId> out;
  for (const std::string_view part : split(text, ',')) {
    const std::optional<std::size_t> id = whole_number(part);
    check(id && *id <= kMostId,
          "--versus: '{}' is no list of ids such as 1,2,3, which --ids asks for here too", text);
    out.push_back(static_cast<TokenId>(*id));
  }
  return out;
}

/// The second prompt is given as the first: as text, or as ids.
std::vector<TokenId> second_ids(Session& session, const ExplainRequest& request) {
  InputOptions input = static_cast<const InputOptions&>(request);
  if (request.text) {
    input.text = request.versus;
  } else {
    input.ids = ids_of(*request.versus);
  }
  return input_ids(session, input);
}

struct AskedOfBoth {
  std::vector<TokenId> ids;
  TokenId token = 0;
};

AskedOfBoth asked_of(Session& session, const ExplainRequest& request, std::vector<TokenId> prompt,
                     const AnswerWords& words, const std::stop_token& cancel) {
  const std::vector<TokenId> answer = generated_answer(session, request, prompt, cancel);
  const AskedToken asked = what_is_asked(session, request, answer, words).front();
  prompt.insert(prompt.end(), answer.begin(),
                answer.begin() + static_cast<std::ptrdiff_t>(asked.before));
  return {std::move(prompt), asked.token};
}

std::string title_of(const VersusChart& chart) {
  const auto& [first, second] = chart.prompts;
  return chart.opposed ? fmt::format("Why is the first prompt answered {} and the second {}?",
                                     in_quotes(first.answer), in_quotes(second.answer))
                       : fmt::format("Both prompts are answered {}: what differs on the way?",
                                     in_quotes(first.answer));
}

/// One for each role whose features were not exchanged.
void add_left_out(const VersusParts& parts, std::vector<std::string>& notes) {
  for (const std::uint32_t role : parts.left_out) {
    const SharedRole& at = parts.roles[role];
    const std::size_t with = at.first > at.second ? 0 : 1;  // the other has it at its beginning
    const auto text = [&](std::size_t prompt) {
      return in_quotes(parts.chart.prompts[prompt].tokens[*at.in(prompt)].text);
    };
    notes.push_back(fmt::format(
        "features are not counted at the first token of a prompt: what ideas of prompt {} are at "
        "{} (token {}) is not exchanged with prompt {}, which begins with {}",
        with + 1, text(with), *at.in(with) + 1, 2 - with, text(1 - with)));
  }
}

std::vector<std::string> notes_of(const VersusParts& parts, bool atlas) {
  std::vector<std::string> out;
  const auto& [first, second] = parts.chart.prompts;
  if (first.tokens.size() != second.tokens.size()) {
    out.push_back(fmt::format(
        "the prompts have {} and {} tokens: they are compared where tokens stand for each other",
        first.tokens.size(), second.tokens.size()));
  }
  add_left_out(parts, out);
  for (std::size_t prompt = 0; prompt < kVersusPrompts; ++prompt) {
    const double hold = parts.chart.prompts[prompt].ideas_hold;
    if (hold < ClusterOptions().hold) {
      out.push_back(fmt::format(
          "the ideas of prompt {} hold {:.0f} % of the influence of the features that matter",
          prompt + 1, 100.0 * hold));
    }
  }
  if (!atlas) {
    out.emplace_back("without an atlas ideas are named by where they stand");
  }
  return out;
}

Explanation as_explanation(const Explainer& explainer, TracedAnswer traced) {
  std::vector<std::string> labels = explainer.labels(traced);
  return {.ids = std::move(traced.ids),
          .token = traced.token,
          .chart = std::move(traced.parts.chart),
          .graph = std::move(traced.graph),
          .ideas = std::move(traced.parts.ideas),
          .labels = std::move(labels),
          .phases = std::move(traced.phases)};
}

/// Both as one chart.
VersusChart chart_of(const Explainer& explainer, const ExplainRequest& request,
                     const std::array<TracedAnswer, kVersusPrompts>& traced, bool opposed,
                     bool atlas) {
  const ClaimGround first = explainer.ground(traced[0]);
  const ClaimGround second = explainer.ground(traced[1]);
  const VersusSides sides = {{{first, traced[0].parts}, {second, traced[1].parts}}};
  VersusParts parts = build_versus(sides, {.opposed = opposed});
  if (!request.no_claims) {
    try_exchanges(sides, explainer.claim_options(), parts);
  }
  parts.chart.title = title_of(parts.chart);
  parts.chart.notes = notes_of(parts, atlas);
  parts.chart.footer = explainer.footer();
  return std::move(parts.chart);
}

}  // namespace

VersusOutcome explain_versus(Session& session, const ExplainRequest& request,
                             std::stop_token cancel) {
  check_explain(request);
  check(request.versus.has_value(), "there is no second prompt to compare with");
  VersusOutcome out;
  ExplainOutcome& common = out.common;
  ExplainWatch watch;
  common.seed = request.no_claims ? std::nullopt : std::optional<std::uint64_t>(request.seed);
  common.prompt_ids = input_ids(session, request);
  std::vector<TokenId> other_ids = second_ids(session, request);
  check(common.prompt_ids != other_ids,
        "--versus: both prompts are the same, so nothing differs between them");
  ExplainRequest of_second = request;
  of_second.target = request.why_not;
  const std::array<AskedOfBoth, kVersusPrompts> asked = {
      asked_of(session, request, common.prompt_ids,
               {"the model's answer to the first prompt", "--target"}, cancel),
      asked_of(session, of_second, std::move(other_ids),
               {"the model's answer to the second prompt", "--why-not"}, cancel)};
  common.answer_s = watch.lap();
  const ExplainAtlas atlas = open_for_explain(session, request, common, cancel);
  common.open_s = watch.lap();
  const bool opposed = asked[0].token != asked[1].token;
  const Explainer explainer(session, request, common, atlas.view, std::move(cancel));
  std::array<TracedAnswer, kVersusPrompts> traced;
  for (std::size_t prompt = 0; prompt < kVersusPrompts; ++prompt) {
    traced[prompt] =
        explainer.traced(asked[prompt].ids, asked[prompt].token,
                         opposed ? std::optional(asked[1 - prompt].token) : std::nullopt,
                         std::numeric_limits<std::size_t>::max());
  }
  out.phases.emplace_back("both graphs", watch.lap());
  out.chart = chart_of(explainer, request, traced, opposed, static_cast<bool>(atlas.view));
  out.phases.emplace_back("exchanges", watch.lap());
  for (std::size_t prompt = 0; prompt < kVersusPrompts; ++prompt) {
    out.prompts[prompt] = as_explanation(explainer, std::move(traced[prompt]));
  }
  return out;
}

}  // namespace cajal
