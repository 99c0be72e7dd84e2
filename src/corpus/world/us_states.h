// The facts of geography's states and cities, and which combinations of them are held out.
#pragma once

#include <array>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "corpus/world/tables.h"
#include "corpus/world/whole_words.h"

namespace cajal {

/// What can be asked of a state. `noun` as in "the capital of"; `the` comes before the value.
struct StateAttribute {
  std::string_view noun;
  std::string_view column;
  std::string_view the;
};
inline constexpr std::array<StateAttribute, 5> kStateAttributes = {{
    {"capital", "capital", ""},
    {"abbreviation", "abbreviation", ""},
    {"nickname", "nickname", "the "},
    {"flower", "flower", "the "},
    {"year of statehood", "year", ""},
}};

struct State {
  std::string name;
  std::array<std::string, kStateAttributes.size()> values;
};

struct City {
  std::string name;
  std::size_t state = 0;
  /// The attribute that training never combines with this city; kStateAttributes.size(): none.
  std::size_t held_out = 0;
};

class StateFacts {
 public:
  /// Of every `stride`-th state from the `first` on. Throws CorruptData for a city of an unknown
  /// state or named twice.
  StateFacts(const Tables& tables, std::size_t first, std::size_t stride);

  const std::vector<State>& states() const noexcept { return states_; }
  const std::vector<City>& cities() const noexcept { return cities_; }
  const State& state_of(const City& city) const { return states_[city.state]; }
  const std::string& value(const City& city, std::size_t attribute) const {
    return state_of(city).values[attribute];
  }
  /// The value that `city` must not be combined with; empty: none.
  std::string_view held_out_value(const City& city) const;

 private:
  /// `places`: of each state in `states_`.
  void read_cities(const Table& table, const std::map<std::string, std::size_t>& places);

  std::vector<State> states_;
  std::vector<City> cities_;
};

}  // namespace cajal
