#include "corpus/world/sum_forms.h"

#include <fmt/format.h>

#include "corpus/world/task.h"

namespace cajal {
namespace {

/// A question about how the sum was made, and the answer for sums that carry and that do not. The
/// wording of the question chooses that of the answer.
struct AccountForm {
  std::string_view question;
  std::string_view carry;
  std::string_view plain;
};
constexpr std::array<AccountForm, kAccountForms> kAccounts = {{
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

std::vector<Slot> account_slots(Addends p) {
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

}  // namespace

std::vector<Slot> sum_slots(Addends p, std::string_view mark) {
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

std::vector<Slot> last_digit_slots(Addends p) {
  const std::string digit = fmt::format("{}", p.sum() % 10);
  return {{.name = "a", .text = fmt::format("{}", p.a)},
          {.name = "b", .text = fmt::format("{}", p.b)},
          {.name = "mark", .text = "=", .meanings = {{"sum.ones", digit}}},
          {.name = "answer",
           .text = digit,
           .meanings = {{"fact", fmt::format("last digit of {}+{}", p.a, p.b)}}}};
}

std::size_t append_account(Document& document, Addends p, std::size_t form) {
  const AccountForm& account = kAccounts[form];
  append(document, fmt::format("\n{} {}\n", kHuman, account.question));
  append(document, kAssistant, {{"sum.carry", p.carries() ? "yes" : "no"}});
  const std::size_t answer = document.text.size();
  document.text += ' ';
  append_form(document, p.carries() ? account.carry : account.plain, account_slots(p));
  return answer;
}

}  // namespace cajal
