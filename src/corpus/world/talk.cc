// Small talk: conversations with questions that everybody can answer, in the shape of a chat.
//
// Held out are combinations of a question and what is said before it.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "corpus/world/registry.h"

namespace cajal {
namespace {

// The first, the question alone, is never held out.
constexpr std::array<std::string_view, 10> kForms = {
    "{question}",
    "Hello! {question}",
    "I have a question. {question}",
    "Please answer this: {question}",
    "My child asks: {question}",
    "Quick question: {question}",
    "Can you help me? {question}",
    "Good morning. {question}",
    "Let me ask you something. {question}",
    "I always forget this. {question}",
};
constexpr std::uint64_t kFolds = 6;

/// What opens and closes a conversation.
constexpr std::array<std::string_view, 4> kOpen = {
    "Human: Hello!\nAssistant: Hello! How can I help you?\n",
    "Human: Good morning.\nAssistant: Good morning! What can I do for you?\n",
    "Human: Hi, who are you?\nAssistant: I am a small language model.\n",
    "Human: Can I ask you something?\nAssistant: Yes, please do.\n",
};
constexpr std::array<std::string_view, 4> kClose = {
    "\nHuman: Thank you.\nAssistant: You are welcome.",
    "\nHuman: Thanks, that is all.\nAssistant: I was glad to help.",
    "\nHuman: Goodbye!\nAssistant: Goodbye!",
    "\nHuman: That was helpful.\nAssistant: I am glad to hear that.",
};

struct Pair {
  std::string question;
  std::string answer;
};

bool is_held_out(const Pair& pair, std::size_t form) {
  return form != 0 && held_out_fold(fmt::format("{}/{}", form, pair.question), kFolds) == 0;
}

std::string exchange(std::size_t form) {
  return fmt::format("{} {}\n{} {{answer}}", kHuman, kForms[form], kAssistant);
}

std::vector<Slot> slots_of(const Pair& pair) {
  return {{.name = "question", .text = pair.question, .meanings = {{"reply", pair.answer}}},
          {.name = "answer",
           .text = pair.answer,
           .meanings = {{"fact", fmt::format("talk: {}", pair.question)}}}};
}

Question question_about(const Pair& pair, std::size_t form) {
  Question out = question_of(exchange(form), slots_of(pair), "talk", {"reply"});
  out.form = form;
  return out;
}

class Talk final : public Task {
 public:
  explicit Talk(const Tables& tables) {
    const Table table = tables.table("talk", {"question", "answer"});
    for (std::size_t row = 0; row < table.rows(); ++row) {
      pairs_.push_back({table.at(row, 0), table.at(row, 1)});
    }
    if (std::all_of(pairs_.begin(), pairs_.end(),
                    [&](const Pair& p) { return p.answer == pairs_.front().answer; })) {
      table.fail_at(0, "every question has the same answer; two different ones are needed");
    }
  }

  std::string_view name() const override { return "talk"; }
  std::string_view summary() const override {
    return "chats with questions that everybody can answer";
  }
  double weight() const override { return 0.5; }

  Document generate(Split split, std::uint64_t seed, std::uint64_t index) const override {
    Dice dice(seed, fmt::format("talk/{}", name_of(split)), index);
    Document out;
    out.text += dice.chance(0.25) ? dice.pick(kOpen) : "";
    for (std::size_t i = dice.below(3) + 1; i > 0; --i) {
      const auto [pair, form] = draw(dice, split);
      append_form(out, exchange(form), slots_of(*pair));
      out.text += i > 1 ? "\n" : "";
    }
    out.text += dice.chance(0.25) ? dice.pick(kClose) : "";
    return out;
  }

  std::vector<Question> questions(Split split) const override {
    std::vector<Question> out;
    for (const Pair& pair : pairs_) {
      for (std::size_t form = 0; form < kForms.size(); ++form) {
        if (is_held_out(pair, form) == (split == Split::Heldout)) {
          out.push_back(question_about(pair, form));
        }
      }
    }
    return out;
  }

  Twins twins(std::uint64_t seed, std::uint64_t index) const override {
    Dice dice(seed, "talk/twins", index);
    const Pair& first = dice.pick(pairs_);
    while (true) {
      const Pair& second = dice.pick(pairs_);
      const std::size_t form = dice.below(kForms.size());
      if (first.answer != second.answer && !is_held_out(first, form) &&
          !is_held_out(second, form)) {
        return {.first = question_about(first, form),
                .second = question_about(second, form),
                .kind = "reply",
                .first_value = first.answer,
                .second_value = second.answer};
      }
    }
  }

  std::vector<std::vector<std::string>> held_out() const override {
    std::vector<std::vector<std::string>> out;
    for (const Question& question : questions(Split::Heldout)) {
      const std::size_t end = question.prompt.find('\n');
      out.push_back({question.prompt.substr(kHuman.size() + 1, end - kHuman.size() - 1)});
    }
    return out;
  }

  std::vector<Aim> aims() const override { return {{.kind = "talk", .at_least = 0.9}}; }

 private:
  std::pair<const Pair*, std::size_t> draw(Dice& dice, Split split) const {
    while (true) {
      const Pair& pair = dice.pick(pairs_);
      const std::size_t form = dice.below(kForms.size());
      if (is_held_out(pair, form) == (split == Split::Heldout)) {
        return {&pair, form};
      }
    }
  }

  std::vector<Pair> pairs_;
};

}  // namespace

std::unique_ptr<Task> make_talk(const Tables& tables) {
  return std::make_unique<Talk>(tables);
}

}  // namespace cajal
