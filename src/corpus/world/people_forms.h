// How people are asked about.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "corpus/world/task.h"

namespace cajal {

struct Person {
  std::string first;
  std::string last;
  std::size_t calling = 0;  // in kCallings; of a made-up person: which one is asked about
  std::string what = {};
  std::string country = {};
  bool known = false;
  std::string name() const { return first + " " + last; }
};

/// What somebody may be known for, and how one says so.
struct Calling {
  std::string_view thing;
  std::string_view who;
  std::string_view does;
  std::string_view play;
  std::string_view plays;
};
inline constexpr std::array<Calling, 3> kCallings = {{
    {"sport", "athlete", "does", "play", "plays"},
    {"instrument", "musician", "does", "play", "plays"},
    {"science", "scientist", "did", "study", "studied"},
}};

enum class PersonQuestion { What, Country };

/// Wordings of either kind; the last ones, from kTrainForms on, are held out.
inline constexpr std::size_t kPeopleForms = 27;
inline constexpr std::size_t kTrainForms = 24;
std::string_view wording(PersonQuestion asked, std::size_t form);
/// "Human: …\nAssistant: …" as a form.
std::string exchange(PersonQuestion asked, std::size_t form);

/// Slots of an exchange, the second one "tail", which is empty.
std::vector<Slot> slots_of(const Person& person, PersonQuestion asked);
/// The slot "tail": what may follow a name, and then tells whether it is known.
Slot draw_tail(Dice& dice, const Person& person, std::string_view form);
Question question_about(const Person& person, PersonQuestion asked, std::size_t form);

}  // namespace cajal
