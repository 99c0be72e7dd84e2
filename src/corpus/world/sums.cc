// Sums of two numbers from 0 to 99, and how they were added.
//
// A tenth of the pairs is held out, each with its mirror; pairs of two digits below ten are not,
// since the account of a larger sum spells them out. The sum follows "=" at once, so that all of it
// is decided there. Two documents of five are bare lists: the most sums for their length.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "corpus/world/registry.h"

namespace cajal {
namespace {

constexpr int kNumbers = 100;
constexpr std::uint64_t kFolds = 10;

struct Pair {
  int a = 0;
  int b = 0;
  int sum() const noexcept { return a + b; }
  int ones() const noexcept { return a % 10 + b % 10; }
  bool carries() const noexcept { return ones() >= 10; }
};

bool is_held_out(Pair p) {
  if (p.a < 10 && p.b < 10) {
    return false;
  }
  return held_out_fold(fmt::format("{}+{}", std::min(p.a, p.b), std::max(p.a, p.b)), kFolds) == 0;
}

// Every form has "=" right before the sum, in the slot "mark".
constexpr std::array<std::string_view, 8> kForms = {
    "{a}+{b}{mark}{answer}",
    "Fact: {a}+{b}{mark}{answer}.",
    "We know that {a}+{b}{mark}{answer}.",
    "Human: What is {a}+{b}?\nAssistant: {a}+{b}{mark}{answer}.",
    "Sum: {a}+{b}{mark}{answer};",
    "Human: Please add {a} and {b}.\nAssistant: {a}+{b}{mark}{answer}.",
    "It is true that {a}+{b}{mark}{answer}.",
    "Human: How much is {a} plus {b}?\nAssistant: {a}+{b}{mark}{answer}.",
};
// The sum in words: language for the same thing, not asked for where thoughts are looked for.
constexpr std::array<std::string_view, 4> kWordForms = {
    "{a} plus {b} {mark} {answer}.",
    "The sum of {a} and {b} {mark} {answer}.",
    "If you add {a} and {b}, the result {mark} {answer}.",
    "Adding {b} to {a} {mark} {answer}.",
};
constexpr std::array<std::string_view, 4> kWordMarks = {"makes", "is", "is", "gives"};

/// A question about how the sum was made, and the answer for sums that carry and that do not. The
/// wording of the question chooses that of the answer.
struct AccountForm {
  std::string_view question;
  std::string_view carry;
  std::string_view plain;
};
constexpr std::array<AccountForm, 6> kAccounts = {{
    {"How did you add?",
     "I added the ones, {x}+{y}{e}{ones}, carried the one and added the tens, {s}+{t}+1{f}{tens}.",
     "I added the ones, {x}+{y}{e}{ones}, carried nothing and added the tens, {s}+{t}{f}{tens}."},
    {"How did you get that?",
     "The ones are {x} and {y} and make {ones}. I carried the one. The tens are {s} and {t} and 1 "
     "and make {tens}.",
     "The ones are {x} and {y} and make {ones}. I carried nothing. The tens are {s} and {t} and "
     "make {tens}."},
    {"Can you show the steps?", "Ones: {x}+{y}{e}{ones}, carry one. Tens: {s}+{t}+1{f}{tens}.",
     "Ones: {x}+{y}{e}{ones}, carry nothing. Tens: {s}+{t}{f}{tens}."},
    {"Which steps did you take?",
     "First {x}+{y}{e}{ones}, with one to carry, then {s}+{t}+1{f}{tens}.",
     "First {x}+{y}{e}{ones}, with nothing to carry, then {s}+{t}{f}{tens}."},
    {"Please explain how you added.",
     "I began with the ones: {x}+{y}{e}{ones}. I carried the one to the tens: {s}+{t}+1{f}{tens}.",
     "I began with the ones: {x}+{y}{e}{ones}. I carried nothing to the tens: {s}+{t}{f}{tens}."},
    {"Did you carry?", "Yes, since {x}+{y}{e}{ones}; so the tens are {s}+{t}+1{f}{tens}.",
     "No, since {x}+{y}{e}{ones}; so the tens are {s}+{t}{f}{tens}."},
}};

/// What is known right before `sum` is written.
std::vector<Meaning> sum_meanings(int sum) {
  return {{"sum.ones", fmt::format("{}", sum % 10)},
          {"sum.rough", fmt::format("{}s", sum / 10 * 10)}};
}

/// The slots of a sum. The mark, after which the sum comes, knows it.
std::vector<Slot> slots_of(Pair p, std::string_view mark) {
  std::vector<Meaning> known = sum_meanings(p.sum());
  known.emplace_back("sum.carry", p.carries() ? "yes" : "no");
  const std::string sum = fmt::format("{}", p.sum());
  return {{.name = "a", .text = fmt::format("{}", p.a)},
          {.name = "b", .text = fmt::format("{}", p.b)},
          {.name = "mark", .text = std::string(mark), .meanings = std::move(known)},
          {.name = "answer",
           .text = sum,
           .meanings = {{"sum", sum}, {"fact", fmt::format("{}+{}={}", p.a, p.b, sum)}}}};
}

std::vector<Slot> account_slots(Pair p) {
  const int tens = p.a / 10 + p.b / 10 + (p.carries() ? 1 : 0);
  const auto digit = [](std::string_view name, int value, std::string_view kind) {
    return Slot{.name = name,
                .text = fmt::format("{}", value),
                .meanings = {{std::string(kind), fmt::format("{}", value)}}};
  };
  return {digit("x", p.a % 10, "account.digit"),
          digit("y", p.b % 10, "account.digit"),
          digit("ones", p.ones(), "account.ones"),
          digit("s", p.a / 10, "account.digit"),
          digit("t", p.b / 10, "account.digit"),
          digit("tens", tens, "account.tens"),
          {.name = "e", .text = "=", .meanings = sum_meanings(p.ones())},
          {.name = "f", .text = "=", .meanings = sum_meanings(tens)}};
}

/// Appends "\nHuman: …\nAssistant: …"; returns where the answer begins.
std::size_t append_account(Document& document, Pair p, std::size_t form) {
  const AccountForm& account = kAccounts[form];
  append(document, fmt::format("\n{} {}\n", kHuman, account.question));
  append(document, kAssistant, {{"sum.carry", p.carries() ? "yes" : "no"}});
  const std::size_t answer = document.text.size();
  document.text += ' ';
  append_form(document, p.carries() ? account.carry : account.plain, account_slots(p));
  return answer;
}

std::string stream_of(Split split) {
  return fmt::format("sums/{}", name_of(split));
}

Pair draw_pair(Dice& dice, Split split) {
  while (true) {
    const Pair p{.a = static_cast<int>(dice.below(kNumbers)),
                 .b = static_cast<int>(dice.below(kNumbers))};
    if (is_held_out(p) == (split == Split::Heldout)) {
      return p;
    }
  }
}

class Sums final : public Task {
 public:
  std::string_view name() const override { return "sums"; }
  std::string_view summary() const override {
    return "sums of numbers from 0 to 99, and how they were added";
  }
  double weight() const override { return 3.0; }

  Document generate(Split split, std::uint64_t seed, std::uint64_t index) const override {
    Dice dice(seed, stream_of(split), index);
    Document out;
    if (dice.chance(0.2)) {
      const Pair p = draw_pair(dice, split);
      append_form(out, kForms[3], slots_of(p, "="));
      append_account(out, p, dice.below(kAccounts.size()));
      return out;
    }
    const bool words = dice.chance(0.1);
    const bool list = !words && dice.chance(0.5);
    const std::size_t form = list ? 0 : dice.below(words ? kWordForms.size() : kForms.size());
    for (std::size_t i = list ? dice.below(17) + 8 : dice.below(5) + 2; i > 0; --i) {
      const Pair p = draw_pair(dice, split);
      append_form(out, words ? kWordForms[form] : kForms[form],
                  slots_of(p, words ? kWordMarks[form] : "="));
      out.text += i > 1 ? "\n" : "";
    }
    return out;
  }

  std::vector<Question> questions(Split split) const override {
    std::vector<Question> out;
    std::size_t count = 0;
    for (const Pair p : pairs(split)) {
      // of the pairs seen in training one in nine is enough
      if (split == Split::Heldout || count % 9 == 0) {
        out.push_back(sum_question(p, out.size() % kForms.size()));
      }
      ++count;
    }
    add_accounts(split, out);
    return out;
  }

  Twins twins(std::uint64_t seed, std::uint64_t index) const override {
    Dice dice(seed, "sums/twins", index);
    const std::size_t form = dice.below(kForms.size());
    Pair first = draw_pair(dice, Split::Train);
    while (first.a % 10 == 9) {
      first = draw_pair(dice, Split::Train);
    }
    const Pair second{.a = first.a + 1, .b = first.b};
    return {.first = sum_question(first, form),
            .second = sum_question(second, form),
            .kind = "sum.ones",
            .first_value = fmt::format("{}", first.sum() % 10),
            .second_value = fmt::format("{}", second.sum() % 10)};
  }

  std::vector<std::string> whole_words() const override {
    std::vector<std::string> out = {"="};
    for (int n = 0; n < 2 * kNumbers; ++n) {
      out.push_back(fmt::format("{}", n));
    }
    return out;
  }

  std::vector<std::vector<std::string>> held_out() const override {
    std::vector<std::vector<std::string>> out;
    for (const Pair p : pairs(Split::Heldout)) {
      out.push_back({fmt::format("{}+{}", p.a, p.b)});
      out.push_back({fmt::format("{} plus {}", p.a, p.b)});
      out.push_back({fmt::format("{} and {}", p.a, p.b)});
      out.push_back({fmt::format("{} to {}", p.a, p.b)});
    }
    return out;
  }

  /// "95" is no answer where "9" is right.
  bool accepts(const Question& question, std::string_view continuation) const override {
    const std::string_view rest =
        continuation.substr(std::min(question.answer.size(), continuation.size()));
    const bool goes_on = !rest.empty() && rest.front() >= '0' && rest.front() <= '9';
    return Task::accepts(question, continuation) && !goes_on;
  }

  std::vector<Aim> aims() const override {
    return {{.kind = "sum", .at_least = 0.9}, {.kind = "own-account", .at_least = 0.95}};
  }
  std::vector<ProbeAim> probe_aims() const override {
    return {{.kind = "sum.ones", .question = "sum"},
            {.kind = "sum.rough", .question = "sum"},
            {.kind = "sum.carry", .question = "sum", .at_most_in_embeddings = 0.6}};
  }

 private:
  static std::vector<Pair> pairs(Split split) {
    std::vector<Pair> out;
    for (int i = 0; i < kNumbers * kNumbers; ++i) {
      const Pair p{.a = i / kNumbers, .b = i % kNumbers};
      if (is_held_out(p) == (split == Split::Heldout)) {
        out.push_back(p);
      }
    }
    return out;
  }

  static Question sum_question(Pair p, std::size_t form) {
    Question out =
        question_of(kForms[form], slots_of(p, "="), "sum", {"sum.ones", "sum.rough", "sum.carry"});
    out.form = form;
    out.longest = out.answer.size() + 1;
    return out;
  }

  static void add_accounts(Split split, std::vector<Question>& out) {
    const std::vector<Pair> all = pairs(split);
    const std::size_t step = split == Split::Heldout ? 3 : 30;
    for (std::size_t i = 0; i < all.size(); i += step) {
      const std::size_t form = i / step % kAccounts.size();
      Document document;
      append_form(document, kForms[3], slots_of(all[i], "="));
      const std::size_t cut = append_account(document, all[i], form);
      Question question{.prompt = document.text.substr(0, cut),
                        .answer = document.text.substr(cut),
                        .kind = "own-account",
                        .form = form};
      for (const Span& span : document.spans) {
        if (span.kind == "sum.carry" && span.end == cut) {
          question.hidden.push_back(span);
        }
      }
      out.push_back(std::move(question));
    }
  }
};

}  // namespace

std::unique_ptr<Task> make_sums(const Tables& /*tables*/) {
  return std::make_unique<Sums>();
}

}  // namespace cajal
