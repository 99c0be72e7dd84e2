// Two-step reasoning (Lindsey et al. 2025, "On the Biology of a Large Language Model", "Multi-step
// Reasoning"): "the capital of the state containing Dallas is" goes by Texas; put California in its
// place, and the answer is Sacramento.
//
// The donor is asked for something else than the prompt, so that its answer is not what the prompt
// should say: it is right only if what came over is the state (or the city), and the prompt's own
// question is then answered of it. A group holds features at the city's words and at the last token
// that matter for an answer and go with the city, whatever is asked of it:
//
//   off: important for the prompt, fires also where that city is asked for a third thing, does not
//        fire in the donor
//   on:  important for the donor, fires also where its city is asked for a third thing, does not
//        fire in the prompt
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/cancel.h"
#include "base/error.h"
#include "corpus/world/geography_forms.h"
#include "corpus/world/task.h"
#include "explain/experiments/swap_experiment.h"

namespace cajal {
namespace {

constexpr std::size_t kAttributes = kStateAttributes.size();
constexpr std::size_t kDraws = 200;  // of a donor or a form, before a case is given up

const std::array<SwapSetting, 9> kSettings = {{
    {"the city's words", true, false, 1.0},
    {"the city's words", true, false, 1.5},
    {"the city's words", true, false, 2.0},
    {"the last token", false, true, 1.0},
    {"the last token", false, true, 2.0},
    {"both", true, true, 1.0},
    {"both", true, true, 1.5},
    {"both", true, true, 2.0},
    {"both", true, true, 3.0},
}};

/// A question as a model reads it.
struct Posed {
  Question question;
  RoledPrompt prompt;
};

/// What a case needs of one city: the question, and the same city asked for a third thing.
class TwoStepCases {
 public:
  TwoStepCases(const Subject& subject, const ExperimentOptions& options)
      : subject_(subject), options_(options), facts_(Tables::embedded(), 0, 1) {}

  /// `count` cases that the model answers without help, of what training never or did show.
  std::vector<SwapCase> cases(Split split, std::size_t count) {
    std::vector<SwapCase> out;
    Dice dice(options_.seed, fmt::format("two-step/{}", name_of(split)), 0);
    for (std::size_t draws = 0; out.size() < count && draws < count * kDraws; ++draws) {
      check_cancelled(options_.cancel);
      if (auto one = draw(dice, split, out.size())) {
        out.push_back(std::move(*one));
        if (options_.progress) {
          options_.progress(out.size(), count);
        }
      }
    }
    check(out.size() == count,
          "only {} of {} questions on states could be used: the model must answer them by itself",
          out.size(), count);
    return out;
  }

 private:
  Posed ask(const City& city, std::size_t attribute, std::size_t form) const {
    Posed out;
    out.question =
        question_of(kTwoStep[form], two_step_slots(facts_, city, attribute), "two-step", {"state"});
    const Span& span = out.question.hidden.front();
    out.prompt = roled_prompt(subject_, out.question.prompt, span.begin, span.end);
    return out;
  }

  static std::size_t other_attribute(Dice& dice, std::size_t a, std::size_t b) {
    std::size_t out = dice.below(kAttributes);
    while (out == a || out == b) {
      out = dice.below(kAttributes);
    }
    return out;
  }

  bool is_right(const Posed& asked) const {
    return continuation(subject_, asked.prompt, {}, asked.question.answer.size())
        .starts_with(asked.question.answer);
  }

  /// nullopt if the draw does not make a case.
  std::optional<SwapCase> draw(Dice& dice, Split split, std::size_t index) const {
    const City& city = dice.pick(facts_.cities());
    const City& donor = dice.pick(facts_.cities());
    const std::size_t form = dice.below(kTwoStep.size());
    const std::size_t asked =
        split == Split::Heldout ? city.held_out : other_attribute(dice, city.held_out, kAttributes);
    if (asked == kAttributes || city.state == donor.state ||
        facts_.value(city, asked) == facts_.value(donor, asked)) {
      return std::nullopt;
    }
    const std::size_t donor_asked = other_attribute(dice, asked, asked);
    const std::size_t third = other_attribute(dice, asked, donor_asked);
    const Posed one = ask(city, asked, form);
    const Posed other = ask(donor, donor_asked, form);
    if (one.prompt.roles.size() != other.prompt.roles.size() || !is_right(one)) {
      return std::nullopt;
    }
    const std::vector<std::vector<RoledFeature>> own = {
        features_at_roles(subject_, ask(city, third, form).prompt)};
    const std::vector<std::vector<RoledFeature>> donors = {
        features_at_roles(subject_, ask(donor, third, form).prompt)};
    const PromptGraph graph = read_prompt_graph(subject_, one.prompt, {.cancel = options_.cancel});
    const PromptGraph donor_graph =
        read_prompt_graph(subject_, other.prompt, {.cancel = options_.cancel});
    SwapCase out{.prompt = one.prompt, .donor = other.prompt};
    out.group = {contrast(graph, donor_graph.active, own),
                 contrast(donor_graph, graph.active, donors)};
    out.control = random_swap(subject_, out.group, graph, donor_graph, options_.seed, index);
    const std::string wanted = ask(donor, asked, form).question.answer;
    out.bytes = wanted.size();
    out.succeeds = [wanted](std::string_view said) { return said.starts_with(wanted); };
    out.shown = {.prompt = one.question.prompt, .donor = other.question.prompt, .wanted = wanted};
    return out;
  }

  const Subject& subject_;
  const ExperimentOptions& options_;
  StateFacts facts_;
};

}  // namespace

ExperimentResult run_two_step(const Subject& subject, const ExperimentOptions& options) {
  TwoStepCases source(subject, options);
  ExperimentResult out{.name = "two-step"};
  out.question =
      "Does an answer about the state that a city lies in go by that state, so that putting "
      "another "
      "one in its place changes the answer to that state's?";
  out.method =
      "Groups: features at the city's words and at the last token that hold 97 % of what flows to "
      "the answer there, fire for the city whatever is asked of it, and not for the other city. "
      "The prompt's group goes off, the donor's comes in; the donor is asked for something else. "
      "Nothing is frozen. Control: as many random features of the same donor, of equal norms.";
  const std::vector<SwapCase> development = source.cases(Split::Train, options.development);
  const std::vector<SwapCase> cases = source.cases(Split::Heldout, options.cases);
  const std::array patched = {kSettings[0], kSettings[3]};
  run_swaps(subject,
            {.development = development,
             .cases = cases,
             .settings = kSettings,
             .patched = patched,
             .success = "the whole answer is the other state's",
             .aim = "at least 80 % of the answers become the other state's",
             .least = 0.8},
            options.cancel, out);
  return out;
}

}  // namespace cajal
