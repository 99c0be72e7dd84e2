// How sums are put into words, and how one tells how they were made.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "corpus/world/form.h"

namespace cajal {

struct Addends {
  int a = 0;
  int b = 0;
  int sum() const noexcept { return a + b; }
  int ones() const noexcept { return a % 10 + b % 10; }
  bool carries() const noexcept { return ones() >= 10; }
};

/// Every form has "=" right before the sum, in the slot "mark".
inline constexpr std::array<std::string_view, 8> kSumForms = {
    "{a}+{b}{mark}{answer}",
    "Fact: {a}+{b}{mark}{answer}.",
    "We know that {a}+{b}{mark}{answer}.",
    "Human: What is {a}+{b}?\nAssistant: {a}+{b}{mark}{answer}.",
    "Sum: {a}+{b}{mark}{answer};",
    "Human: Please add {a} and {b}.\nAssistant: {a}+{b}{mark}{answer}.",
    "It is true that {a}+{b}{mark}{answer}.",
    "Human: How much is {a} plus {b}?\nAssistant: {a}+{b}{mark}{answer}.",
};
/// The sum in words: language for the same thing, not asked for where thoughts are looked for.
inline constexpr std::array<std::string_view, 4> kSumsInWords = {
    "{a} plus {b} {mark} {answer}.",
    "The sum of {a} and {b} {mark} {answer}.",
    "If you add {a} and {b}, the result {mark} {answer}.",
    "Adding {b} to {a} {mark} {answer}.",
};
inline constexpr std::array<std::string_view, 4> kSumMarks = {"makes", "is", "is", "gives"};

/// Only the last digit, in the place of the sum.
inline constexpr std::array<std::string_view, 4> kLastDigitForms = {
    "Last digit: {a}+{b}{mark}{answer}",
    "The last digit: {a}+{b}{mark}{answer}.",
    "Human: What is the last digit of {a}+{b}?\nAssistant: Last digit: {a}+{b}{mark}{answer}.",
    "Only the last digit, please: {a}+{b}{mark}{answer}.",
};

/// How many wordings there are of the question how the sum was made.
inline constexpr std::size_t kAccountForms = 6;

/// The slots of kSumForms and kSumsInWords. The mark, after which the sum comes, knows it.
std::vector<Slot> sum_slots(Addends p, std::string_view mark);
/// The slots of kLastDigitForms.
std::vector<Slot> last_digit_slots(Addends p);
/// Appends "\nHuman: …\nAssistant: …"; `form` below kAccountForms. Returns where the answer begins.
std::size_t append_account(Document& document, Addends p, std::size_t form);

}  // namespace cajal
