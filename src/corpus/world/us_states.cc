#include "corpus/world/us_states.h"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "corpus/world/dice.h"

namespace cajal {
StateFacts::StateFacts(const Tables& tables, std::size_t first, std::size_t stride) {
  const Table states =
      tables.table("states", {"state", "capital", "abbreviation", "nickname", "flower", "year"});
  std::map<std::string, std::size_t, std::less<>> places;  // states_.size(): left out
  std::set<std::string, std::less<>> known;
  for (std::size_t row = 0; row < states.rows(); ++row) {
    if (!known.insert(states.at(row, 0)).second) {
      states.fail_at(row, fmt::format("state '{}' is there twice", states.at(row, 0)));
    }
    if (row < first || (row - first) % stride != 0) {
      continue;
    }
    places.emplace(states.at(row, 0), states_.size());
    State state{.name = states.at(row, 0), .values = {}};
    for (std::size_t a = 0; a < kStateAttributes.size(); ++a) {
      state.values[a] = states.at(row, a + 1);
    }
    states_.push_back(std::move(state));
  }
  const Table cities = tables.table("cities", {"city", "state"});
  std::set<std::string, std::less<>> names;
  for (std::size_t row = 0; row < cities.rows(); ++row) {
    const std::string& name = cities.at(row, 0);
    if (!names.insert(name).second) {
      cities.fail_at(row, fmt::format("city '{}' is there twice", name));
    }
    if (!known.contains(cities.at(row, 1))) {
      cities.fail_at(row, fmt::format("'{}' is no state of world/states.tsv", cities.at(row, 1)));
    }
    if (const auto place = places.find(cities.at(row, 1)); place != places.end()) {
      // one fold in six holds nothing out
      cities_.push_back({.name = name,
                         .state = place->second,
                         .held_out = fold_of(name, kStateAttributes.size() + 1)});
    }
  }
  if (cities_.empty() || cities_.back().state == cities_.front().state) {
    cities.fail_at(0, "the cities of two states at least are needed");
  }
}

std::string_view StateFacts::held_out_value(const City& city) const {
  return city.held_out < kStateAttributes.size() ? std::string_view(value(city, city.held_out))
                                                 : std::string_view();
}

}  // namespace cajal
