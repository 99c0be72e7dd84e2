// What a task of the world is: a generator of documents whose truth is known, because it wrote
// them.
//
// A new task is one file that defines a `make_…` function, and a line in registry.cc. Tasks are
// immutable; every function may be called by any thread, and depends on its arguments alone.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "corpus/document.h"
#include "corpus/world/dice.h"
#include "corpus/world/form.h"
#include "corpus/world/tables.h"

namespace cajal {

/// How a conversation is written: "Human: Hi!\nAssistant: Hello.". Each is one token; a chat
/// template writes the same.
inline constexpr std::string_view kHuman = "Human:";
inline constexpr std::string_view kAssistant = "Assistant:";

/// What is held out depends on the facts alone, never on a seed. A held-out combination is in no
/// training document in any form.
enum class Split : std::uint8_t { Train, Heldout };
std::string_view name_of(Split split) noexcept;  // "train", "heldout"

/// Something to ask a model, to be judged by how its greedy continuation of `prompt` begins.
struct Question {
  std::string prompt;  // does not end in a space
  std::string answer;  // what follows at once: " Austin.", and enough of it to be unmistakable
  std::string kind;    // "two-step": scores are kept for each kind
  /// Which surface form it is, so that a probe can be fitted on the even and tested on the odd
  /// ones.
  std::size_t form = 0;
  /// What should be decodable in the prompt before the answer is, each at the token that holds the
  /// byte `end - 1`.
  std::vector<Span> hidden = {};
  /// Bytes of the continuation that accepts() wants to see; 0: as many as the answer has.
  std::size_t longest = 0;
};

/// Two questions that differ in one hidden thing, and so in what is right.
struct Twins {
  Question first;
  Question second;
  std::string kind;  // of the hidden thing: "state"
  std::string first_value;
  std::string second_value;
};

/// What a trained model should reach: the share of right answers to the questions of a kind.
struct Aim {
  std::string_view kind;
  Split split = Split::Heldout;
  double at_least = 0.0;
};

/// The same for a probe: `kind` of hidden thing, over the questions of kind `question`, or all.
struct ProbeAim {
  std::string_view kind;
  std::string_view question = {};      // empty: of every kind
  double at_least = 0.95;              // at some resid_post
  double at_most_in_embeddings = 0.2;  // at the same position
};

class Task {
 public:
  virtual ~Task() = default;
  virtual std::string_view name() const = 0;
  virtual std::string_view summary() const = 0;
  /// Share of the documents, next to the other tasks, unless a recipe says otherwise.
  virtual double weight() const = 0;
  /// Document `index`, any 48-bit number: the same bytes for the same arguments on any machine.
  /// What a document teaches is on the answers as spans of kind "fact".
  virtual Document generate(Split split, std::uint64_t seed, std::uint64_t index) const = 0;
  /// Every question, in an order that stays: of what training taught, or of what it held out.
  virtual std::vector<Question> questions(Split split) const = 0;
  virtual Twins twins(std::uint64_t seed, std::uint64_t index) const = 0;
  /// Texts that must be one token, with their leading space where they have one: " Texas".
  virtual std::vector<std::string> whole_words() const { return {}; }
  /// Entities, without leading space, that must take two tokens or more: they are to be looked up.
  /// Leave them out when merges are counted, so that their pieces are those of other words.
  virtual std::vector<std::string> split_words() const { return {}; }
  /// Groups of texts; no training document holds all of a group as whole words. Mirrored forms are
  /// covered, since order does not matter; for the test of leaks.
  virtual std::vector<std::vector<std::string>> held_out() const { return {}; }
  virtual std::vector<Aim> aims() const { return {}; }
  virtual std::vector<ProbeAim> probe_aims() const { return {}; }
  /// Whether a continuation is right: it begins with the answer, unless a task knows better.
  virtual bool accepts(const Question& question, std::string_view continuation) const {
    return continuation.substr(0, question.answer.size()) == question.answer;
  }
};

/// The document that a question and its answer make, spans of `hidden` included.
Document document_of(const Question& question);

/// The question that a form with a slot "answer" asks: what comes before that slot is the prompt
/// (a space before it belongs to the answer), the rest up to `until` past the slot the answer.
/// Spans in the prompt whose kind is in `hidden` are what should be decodable.
Question question_of(std::string_view form, const std::vector<Slot>& slots, std::string_view kind,
                     std::initializer_list<std::string_view> hidden);

}  // namespace cajal
