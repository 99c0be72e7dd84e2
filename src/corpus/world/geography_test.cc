#include <set>
#include <stdexcept>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "corpus/world/geography_forms.h"
#include "corpus/world/tables.h"

namespace cajal {
namespace {

using ::testing::ElementsAre;

const StateFacts& state_facts() {
  static const StateFacts instance(Tables::embedded(), 0, 1);
  return instance;
}

const City& city(std::string_view name) {
  for (const City& c : state_facts().cities()) {
    if (c.name == name) {
      return c;
    }
  }
  throw std::runtime_error("no such city");
}

TEST(Geography, AStateChoosesAmongCitiesThatCarryTheirStates) {
  Document document;
  const std::size_t answer = append_choice(document, state_facts(), kChoice[0],
                                           {&city("Dallas"), &city("Oakland"), &city("Miami")}, 1);
  EXPECT_EQ(document.text, "Of Dallas, Oakland and Miami, the one in California is Oakland.");
  EXPECT_EQ(document.text.substr(answer), "Oakland.");
  std::vector<std::string> spans;
  for (const Span& span : document.spans) {
    spans.push_back(std::string(covered(document.text, span)) + " " + span.kind + "=" + span.value);
  }
  EXPECT_THAT(spans,
              ElementsAre("Dallas state=Texas", "Dallas city=Dallas", "Oakland state=California",
                          "Oakland city=Oakland", "Miami state=Florida", "Miami city=Miami",
                          "California state.name=California", "Oakland state=California",
                          "Oakland city=Oakland", "Oakland fact=Oakland: state"));
}

TEST(Geography, EveryChoiceHasOneRightAnswer) {
  for (std::uint64_t i = 0; i < 2000; ++i) {
    Dice dice(3, "choices", i);
    const std::vector<const City*> cities = draw_choices(dice, state_facts());
    std::set<std::size_t> states;
    for (const City* c : cities) {
      states.insert(c->state);
    }
    EXPECT_GE(states.size(), 2);
    EXPECT_LE(states.size(), kMostChoices);
    EXPECT_EQ(states.size(), cities.size());
  }
}

}  // namespace
}  // namespace cajal
