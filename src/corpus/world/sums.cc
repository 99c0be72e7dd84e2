// Sums of two numbers from 0 to 99, and how they were added.
//
// A tenth of the pairs is held out, each with its mirror; pairs of two digits below ten are not,
// since the account of a larger sum spells them out. The sum follows "=" at once, so that all of it
// is decided there. Three documents of ten are bare lists: the most sums for their length. In some
// only the last digit is said, so that it is worked out at "=" by itself.
#include <algorithm>

#include <fmt/format.h>

#include "corpus/world/registry.h"
#include "corpus/world/sum_forms.h"

namespace cajal {
namespace {

constexpr int kNumbers = 100;
constexpr std::uint64_t kFolds = 10;

bool is_held_out(Addends p) {
  if (p.a < 10 && p.b < 10) {
    return false;
  }
  return held_out_fold(fmt::format("{}+{}", std::min(p.a, p.b), std::max(p.a, p.b)), kFolds) == 0;
}

std::string stream_of(Split split) {
  return fmt::format("sums/{}", name_of(split));
}

Addends draw_pair(Dice& dice, Split split) {
  while (true) {
    const Addends p{.a = static_cast<int>(dice.below(kNumbers)),
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
    const double kind = dice.uniform();
    if (kind < 0.2) {
      add_accounts(out, dice, split);
    } else if (kind < 0.3) {
      const std::size_t form = dice.below(kLastDigitForms.size());
      add_lines(out, dice, split, dice.below(8) + 2,
                [&](Addends p) { append_form(out, kLastDigitForms[form], last_digit_slots(p)); });
    } else if (kind < 0.38) {
      const std::size_t form = dice.below(kSumsInWords.size());
      add_lines(out, dice, split, dice.below(5) + 2, [&](Addends p) {
        append_form(out, kSumsInWords[form], sum_slots(p, kSumMarks[form]));
      });
    } else {
      const bool list = dice.chance(0.5);
      const std::size_t form = list ? 0 : dice.below(kSumForms.size());
      add_lines(out, dice, split, list ? dice.below(17) + 8 : dice.below(5) + 2,
                [&](Addends p) { append_form(out, kSumForms[form], sum_slots(p, "=")); });
    }
    return out;
  }

  std::vector<Question> questions(Split split) const override {
    std::vector<Question> out;
    std::size_t count = 0;
    for (const Addends p : pairs(split)) {
      // of the pairs seen in training one in nine is enough
      if (split == Split::Heldout || count % 9 == 0) {
        out.push_back(sum_question(p, out.size() % kSumForms.size()));
      }
      ++count;
    }
    add_account_questions(split, out);
    return out;
  }

  Twins twins(std::uint64_t seed, std::uint64_t index) const override {
    Dice dice(seed, "sums/twins", index);
    const std::size_t form = dice.below(kSumForms.size());
    Addends first = draw_pair(dice, Split::Train);
    while (first.a % 10 == 9) {
      first = draw_pair(dice, Split::Train);
    }
    const Addends second{.a = first.a + 1, .b = first.b};
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
    for (const Addends p : pairs(Split::Heldout)) {
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
  /// `count` pairs, each on a line of its own, or more.
  template <typename Append>
  static void add_lines(Document& out, Dice& dice, Split split, std::size_t count,
                        const Append& append) {
    for (std::size_t i = 0; i < count; ++i) {
      out.text += i > 0 ? "\n" : "";
      append(draw_pair(dice, split));
    }
  }

  /// One to three sums in a chat, each with its account.
  static void add_accounts(Document& out, Dice& dice, Split split) {
    const std::size_t count = dice.below(3) + 1;
    add_lines(out, dice, split, count, [&](Addends p) {
      append_form(out, kSumForms[3], sum_slots(p, "="));
      append_account(out, p, dice.below(kAccountForms));
    });
  }

  static std::vector<Addends> pairs(Split split) {
    std::vector<Addends> out;
    for (int i = 0; i < kNumbers * kNumbers; ++i) {
      const Addends p{.a = i / kNumbers, .b = i % kNumbers};
      if (is_held_out(p) == (split == Split::Heldout)) {
        out.push_back(p);
      }
    }
    return out;
  }

  static Question sum_question(Addends p, std::size_t form) {
    Question out = question_of(kSumForms[form], sum_slots(p, "="), "sum",
                               {"sum.ones", "sum.rough", "sum.carry"});
    out.form = form;
    out.longest = out.answer.size() + 1;
    return out;
  }

  static void add_account_questions(Split split, std::vector<Question>& out) {
    const std::vector<Addends> all = pairs(split);
    const std::size_t step = split == Split::Heldout ? 3 : 30;
    for (std::size_t i = 0; i < all.size(); i += step) {
      const std::size_t form = i / step % kAccountForms;
      Document document;
      append_form(document, kSumForms[3], sum_slots(all[i], "="));
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
