#include "corpus/world/us_states.h"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "corpus/world/dice.h"

namespace cajal {
namespace {

constexpr std::size_t kLeftOut = ~std::size_t{0};

}  // namespace

StateFacts::StateFacts(const Tables& tables, std::size_t first, std::size_t stride) {
  const Table table =
      tables.table("states", {"state", "capital", "abbreviation", "nickname", "flower", "year"});
  std::map<std::string, std::size_t> places;  // kLeftOut: not one of these states
  for (std::size_t row = 0; row < table.rows(); ++row) {
    const bool chosen = row >= first && (row - first) % stride == 0;
    if (!places.emplace(table.at(row, 0), chosen ? states_.size() : kLeftOut).second) {
      table.fail_at(row, fmt::format("state '{}' is there twice", table.at(row, 0)));
    }
    if (chosen) {
      states_.push_back({.name = table.at(row, 0), .values = {}});
      for (std::size_t a = 0; a < kStateAttributes.size(); ++a) {
        states_.back().values[a] = table.at(row, a + 1);
      }
    }
  }
  read_cities(tables.table("cities", {"city", "state"}), places);
}

void StateFacts::read_cities(const Table& table, const std::map<std::string, std::size_t>& places) {
  std::set<std::string> names;
  for (std::size_t row = 0; row < table.rows(); ++row) {
    const std::string& name = table.at(row, 0);
    if (!names.insert(name).second) {
      table.fail_at(row, fmt::format("city '{}' is there twice", name));
    }
    const auto place = places.find(table.at(row, 1));
    if (place == places.end()) {
      table.fail_at(row, fmt::format("'{}' is no state of world/states.tsv", table.at(row, 1)));
    }
    if (place->second != kLeftOut) {
      // one fold in six holds nothing out
      cities_.push_back({.name = name,
                         .state = place->second,
                         .held_out = held_out_fold(name, kStateAttributes.size() + 1)});
    }
  }
  if (cities_.empty() || cities_.back().state == cities_.front().state) {
    table.fail_at(0, "the cities of two states at least are needed");
  }
  if (std::all_of(cities_.begin(), cities_.end(),
                  [](const City& city) { return city.held_out == kStateAttributes.size(); })) {
    table.fail_at(0, "nothing about these cities is held out; more of them are needed");
  }
}

std::string_view StateFacts::held_out_value(const City& city) const {
  return city.held_out < kStateAttributes.size() ? std::string_view(value(city, city.held_out))
                                                 : std::string_view();
}

}  // namespace cajal
