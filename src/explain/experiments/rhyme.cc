// Planning of rhymes (Lindsey et al. 2025, "Planning in Poems"): a model that writes line 2 of a
// couplet has chosen its last word at the line break, and writes towards it.
//
// All edits are at the line break, the prompt's last token. The donor begins in the same way and
// ends in another family of rhymes, so the two differ in the rhyme alone. Off goes what matters for
// the first word of line 2 and does not fire at the donor's line break, on what matters for the
// donor's and does not fire at the prompt's. It is a success if line 2 ends in the donor's word and
// its beginning and middle are those of that word: planned for, and not only put last.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/cancel.h"
#include "base/error.h"
#include "corpus/world/couplet_facts.h"
#include "corpus/world/world.h"
#include "explain/experiments/swap_experiment.h"

namespace cajal {
namespace {

constexpr std::size_t kDraws = 100;

const std::array<SwapSetting, 4> kSettings = {{
    {"the line break", false, true, 1.0},
    {"the line break", false, true, 1.5},
    {"the line break", false, true, 2.0},
    {"the line break", false, true, 3.0},
}};

/// A question and the couplet that it is about.
struct Known {
  const Question* question = nullptr;
  Couplet couplet;
};

class RhymeCases {
 public:
  RhymeCases(const Subject& subject, const ExperimentOptions& options)
      : subject_(subject), options_(options), facts_(Tables::embedded()) {}

  std::vector<SwapCase> cases(Split split, std::size_t count) {
    const std::vector<Question> questions = world_.task("couplets").questions(split);
    const std::vector<Known> known = known_of(questions);
    Dice dice(options_.seed, fmt::format("rhyme/{}", name_of(split)), 0);
    std::vector<SwapCase> out;
    for (std::size_t draws = 0; out.size() < count && draws < count * kDraws; ++draws) {
      check_cancelled(options_.cancel);
      if (auto one = draw(dice, dice.pick(known), out.size())) {
        out.push_back(std::move(*one));
        if (options_.progress) {
          options_.progress(out.size(), count);
        }
      }
    }
    check(out.size() == count,
          "only {} of {} couplets could be used: the model must rhyme by itself", out.size(),
          count);
    return out;
  }

 private:
  std::vector<Known> known_of(std::span<const Question> questions) const {
    std::vector<Known> out;
    const std::vector<Couplet> couplets = facts_.couplets();
    for (const Question& question : questions) {
      const auto is_it = [&](const Couplet& couplet) {
        return question.prompt.ends_with(facts_.first_line(couplet) + ",\n");
      };
      const auto at = std::find_if(couplets.begin(), couplets.end(), is_it);
      if (question.kind == "rhyme" && at != couplets.end()) {
        out.push_back({&question, *at});
      }
    }
    return out;
  }

  /// The same beginning with an ending of another family.
  Couplet draw_donor(Dice& dice, const Couplet& own) const {
    while (true) {
      Couplet out{.word = dice.below(facts_.words().size()), .beginning = own.beginning};
      const RhymeWord& word = facts_.words()[out.word];
      out.ending = dice.below(facts_.families()[word.family].texts.size());
      if (word.theme == facts_.words()[own.word].theme &&
          word.family != facts_.words()[own.word].family) {
        return out;
      }
    }
  }

  bool is_right(std::string_view said, std::size_t word) const {
    const std::string_view line = second_line(said);
    return facts_.last_word(line) == word && facts_.agrees(line);
  }

  std::optional<SwapCase> draw(Dice& dice, const Known& known, std::size_t index) const {
    const Couplet other = draw_donor(dice, known.couplet);
    const std::string own_line = facts_.first_line(known.couplet) + ",\n";
    const std::string& text = known.question->prompt;
    const std::string donor_text =
        text.substr(0, text.size() - own_line.size()) + facts_.first_line(other) + ",\n";
    SwapCase out{.prompt = roled_prompt(subject_, text, 0, 0),
                 .donor = roled_prompt(subject_, donor_text, 0, 0)};
    out.bytes = facts_.longest_line() + 1;
    if (!is_right(continuation(subject_, out.prompt, {}, out.bytes), known.couplet.word) ||
        !is_right(continuation(subject_, out.donor, {}, out.bytes), other.word)) {
      return std::nullopt;
    }
    const PromptGraph graph = read_prompt_graph(subject_, out.prompt, {.cancel = options_.cancel});
    const PromptGraph donor_graph =
        read_prompt_graph(subject_, out.donor, {.cancel = options_.cancel});
    out.group = {contrast(graph, donor_graph.active), contrast(donor_graph, graph.active)};
    out.control = random_swap(subject_, out.group, graph, donor_graph, options_.seed, index);
    out.succeeds = [this, word = other.word](std::string_view said) {
      return is_right(said, word);
    };
    out.shown = {.prompt = text, .donor = donor_text, .wanted = facts_.words()[other.word].word};
    return out;
  }

  const Subject& subject_;
  const ExperimentOptions& options_;
  World world_;
  CoupletFacts facts_;
};

}  // namespace

ExperimentResult run_rhyme(const Subject& subject, const ExperimentOptions& options) {
  RhymeCases source(subject, options);
  ExperimentResult out{.name = "rhyme"};
  out.question =
      "Is the word that line 2 of a couplet ends in chosen at the line break, so that putting "
      "another rhyme there changes the whole line?";
  out.method =
      "Groups: features at the line break that hold 97 % of what flows there to the first word of "
      "line 2, and do not fire at the line break of the donor, which begins in the same way and "
      "ends in another family of rhymes. The prompt's group goes off, the donor's comes in, at the "
      "line break only and with nothing frozen. Control: as many random features of the same "
      "donor, of equal norms.";
  const std::vector<SwapCase> development = source.cases(Split::Train, options.development);
  const std::vector<SwapCase> cases = source.cases(Split::Heldout, options.cases);
  run_swaps(subject,
            {.development = development,
             .cases = cases,
             .settings = kSettings,
             .patched = std::span(kSettings).first(1),
             .success = "line 2 ends in the donor's word and belongs to it",
             .aim = "at least 60 % of the lines become the donor's",
             .least = 0.6},
            options.cancel, out);
  return out;
}

}  // namespace cajal
