// Countries and empires: capital, language and currency, and in two steps language and currency of
// the country that a capital belongs to. Some of these combinations are held out: no training
// document names the capital together with that language or currency.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "corpus/world/registry.h"
#include "corpus/world/whole_words.h"

namespace cajal {
namespace {

struct Country {
  std::string name;
  std::array<std::string, 3> values;  // in the order of kNouns
  bool sole = true;                   // no other country has this capital
};

constexpr std::array<std::string_view, 3> kNouns = {"capital", "language", "currency"};
constexpr std::size_t kCapital = 0;
constexpr std::uint64_t kFolds = 6;  // two of them hold something out, so a third of the capitals

constexpr std::array<std::string_view, 8> kOneStep = {
    "Fact: the {noun} of {country} is {the}{answer}.",
    "Consider {country}: its {noun} is {the}{answer}.",
    "Human: What is the {noun} of {country}?\nAssistant: It is {the}{answer}.",
    "We know that the {noun} of {country} is {the}{answer}.",
    "Think of {country}; the {noun} there is {the}{answer}.",
    "Everybody in {country} knows the {noun}: it is {the}{answer}.",
    "Question: which {noun} does {country} have? Answer: it is {the}{answer}.",
    "A traveller to {country} should know its {noun}: it is {the}{answer}.",
};
constexpr std::array<std::string_view, 8> kTwoStep = {
    "Fact: the {noun} of the country with the capital {city}{tail} is {the}{answer}.",
    "Consider the country whose capital is {city}{tail}: its {noun} is {the}{answer}.",
    "Human: What is the {noun} of the country around {city}{tail}?\nAssistant: It is "
    "{the}{answer}.",
    "We know that {city}{tail} is the capital of a country whose {noun} is {the}{answer}.",
    "Think of {city}{tail} and of its country; the {noun} there is {the}{answer}.",
    "Everybody in {city}{tail} knows the {noun} of the country: it is {the}{answer}.",
    "Question: which {noun} does the country of {city}{tail} have? Answer: it is {the}{answer}.",
    "A traveller to {city}{tail} should know the {noun} there: it is {the}{answer}.",
};

// The step from a capital to its country by itself.
constexpr std::array<std::string_view, 6> kCapitalOf = {
    "Fact: {city} is the capital of {answer}.",
    "Think of {city}; it is the capital of {answer}.",
    "We know that {city} is the capital city of {answer}.",
    "Human: Which country has the capital {city}?\nAssistant: It is {answer}.",
    "Question: of which country is {city} the capital? Answer: it is the capital of {answer}.",
    "A traveller to {city} sees the capital of {answer}.",
};

std::vector<Slot> answer_slots(const Country& country, std::size_t noun,
                               const std::string& subject) {
  const std::string kind(kNouns[noun]);
  const std::string& value = country.values[noun];
  return {{.name = "noun", .text = kind, .meanings = {{"attribute", kind}}},
          {.name = "the", .text = kind == "currency" ? "the " : ""},
          {.name = "answer",
           .text = value,
           .meanings = {{kind, value}, {"fact", fmt::format("{}: {}", subject, kind)}}}};
}

class Countries final : public Task {
 public:
  explicit Countries(const Tables& tables) {
    const Table table = tables.table("countries", {"country", "capital", "language", "currency"});
    for (std::size_t row = 0; row < table.rows(); ++row) {
      Country country{.name = table.at(row, 0),
                      .values = {table.at(row, 1), table.at(row, 2), table.at(row, 3)}};
      for (Country& other : countries_) {
        if (other.name == country.name) {
          table.fail_at(row, fmt::format("country '{}' is there twice", country.name));
        }
        if (other.values[kCapital] == country.values[kCapital]) {
          other.sole = country.sole = false;
        }
      }
      countries_.push_back(std::move(country));
    }
    if (std::none_of(countries_.begin(), countries_.end(),
                     [](const Country& c) { return c.sole; })) {
      table.fail_at(0, "no capital belongs to one country alone");
    }
  }

  std::string_view name() const override { return "countries"; }
  std::string_view summary() const override {
    return "countries and empires, their capitals, languages and currencies";
  }
  double weight() const override { return 1.2; }

  Document generate(Split split, std::uint64_t seed, std::uint64_t index) const override {
    Dice dice(seed, fmt::format("countries/{}", name_of(split)), index);
    if (split == Split::Heldout) {
      while (true) {
        const Country& country = dice.pick(countries_);
        const std::size_t noun = dice.below(2) + 1;
        if (is_held_out(country, noun)) {
          Document out;
          append_form(out, dice.pick(kTwoStep), two_step_slots(country, noun));
          return out;
        }
      }
    }
    while (true) {
      Document out = draw(dice);
      if (!leaks(out.text)) {
        return out;
      }
    }
  }

  std::vector<Question> questions(Split split) const override {
    std::vector<Question> out;
    for (const Country& country : countries_) {
      for (std::size_t noun = 0; noun < kNouns.size(); ++noun) {
        if (split == Split::Train) {
          const std::size_t form = out.size() % kOneStep.size();
          out.push_back(
              question_of(kOneStep[form], one_step_slots(country, noun), "one-step", {"country"}));
          out.back().form = form;
        }
        if (noun != kCapital && country.sole &&
            is_held_out(country, noun) == (split == Split::Heldout)) {
          const std::size_t form = fold_of(country.name, kTwoStep.size() / 2) * 2;
          out.push_back(two_step(country, noun, form));
          out.push_back(two_step(country, noun, form + 1));
        }
      }
    }
    return out;
  }

  Twins twins(std::uint64_t seed, std::uint64_t index) const override {
    Dice dice(seed, "countries/twins", index);
    const std::size_t form = dice.below(kTwoStep.size());
    while (true) {
      const Country& first = dice.pick(countries_);
      const Country& second = dice.pick(countries_);
      const std::size_t noun = dice.below(2) + 1;
      if (first.sole && second.sole && !is_held_out(first, noun) && !is_held_out(second, noun) &&
          first.values[noun] != second.values[noun]) {
        return {.first = two_step(first, noun, form),
                .second = two_step(second, noun, form),
                .kind = "country",
                .first_value = first.name,
                .second_value = second.name};
      }
    }
  }

  std::vector<std::string> whole_words() const override {
    std::vector<std::string> out;
    for (const Country& country : countries_) {
      append_whole_words(out, country.name);
      for (const std::string& value : country.values) {
        append_whole_words(out, value);
      }
    }
    return out;
  }

  std::vector<std::vector<std::string>> held_out() const override {
    std::vector<std::vector<std::string>> out;
    for (const Country& country : countries_) {
      for (std::size_t noun = 1; noun < kNouns.size(); ++noun) {
        if (is_held_out(country, noun)) {
          out.push_back({country.values[kCapital], country.values[noun]});
        }
      }
    }
    return out;
  }

  std::vector<Aim> aims() const override {
    return {{.kind = "one-step", .split = Split::Train, .at_least = 0.98},
            {.kind = "two-step", .at_least = 0.9}};
  }

 private:
  /// One of language and currency at most, for capitals that name one country.
  static bool is_held_out(const Country& country, std::size_t noun) {
    return country.sole && held_out_fold(country.values[kCapital], kFolds) + 1 == noun && noun != 0;
  }

  static std::vector<Slot> one_step_slots(const Country& country, std::size_t noun) {
    std::vector<Slot> out = answer_slots(country, noun, country.name);
    out.push_back({.name = "country", .text = country.name, .meanings = meaning_of(country)});
    return out;
  }

  static std::vector<Slot> two_step_slots(const Country& country, std::size_t noun) {
    std::vector<Slot> out = answer_slots(country, noun, country.values[kCapital]);
    out.push_back(
        {.name = "city", .text = country.values[kCapital], .meanings = meaning_of(country)});
    out.push_back({.name = "tail", .text = ""});
    return out;
  }

  static std::vector<Meaning> meaning_of(const Country& country) {
    return {{"country", country.name}};
  }

  static Question two_step(const Country& country, std::size_t noun, std::size_t form) {
    Question out =
        question_of(kTwoStep[form], two_step_slots(country, noun), "two-step", {"country"});
    out.form = form;
    return out;
  }

  void add_two_step(Document& out, Dice& dice, const Country& country) const {
    const std::size_t noun = dice.below(2) + 1;
    std::vector<Slot> slots = two_step_slots(country, noun);
    if (dice.chance(0.35)) {
      slots.back() = {
          .name = "tail", .text = country.name, .meanings = meaning_of(country), .before = " in "};
    }
    append_form(out, dice.pick(kTwoStep), slots);
  }

  static void add_capital_of(Document& out, Dice& dice, const Country& country) {
    const std::string& capital = country.values[kCapital];
    std::vector<Meaning> taught = meaning_of(country);
    taught.emplace_back("fact", fmt::format("{}: country", capital));
    append_form(out, dice.pick(kCapitalOf),
                {{.name = "city", .text = capital, .meanings = meaning_of(country)},
                 {.name = "answer", .text = country.name, .meanings = taught}});
  }

  Document draw(Dice& dice) const {
    Document out;
    const bool one_country = dice.chance(0.5);
    const Country& subject = dice.pick(countries_);
    for (std::size_t i = dice.below(3) + 2; i > 0; --i) {
      const Country& country = one_country ? subject : dice.pick(countries_);
      const double kind = country.sole ? dice.uniform() : 1.0;
      if (kind < 0.45) {
        add_two_step(out, dice, country);
      } else if (kind < 0.6) {
        add_capital_of(out, dice, country);
      } else {
        const std::string_view form = dice.pick(kOneStep);
        append_form(out, form, one_step_slots(country, dice.below(kNouns.size())));
      }
      out.text += i > 1 ? "\n" : "";
    }
    return out;
  }

  /// Whether a capital stands with what is held out of it, for whatever reason.
  bool leaks(std::string_view text) const {
    return std::any_of(countries_.begin(), countries_.end(), [&](const Country& country) {
      const std::uint64_t noun = held_out_fold(country.values[kCapital], kFolds) + 1;
      return noun < kNouns.size() && is_held_out(country, noun) &&
             holds_words(text, country.values[kCapital]) && holds_words(text, country.values[noun]);
    });
  }

  std::vector<Country> countries_;
};

}  // namespace

std::unique_ptr<Task> make_countries(const Tables& tables) {
  return std::make_unique<Countries>(tables);
}

}  // namespace cajal
