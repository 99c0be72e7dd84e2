#include "intervene/intervention.h"

#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "model/config.h"

namespace cajal {
namespace {

FeatureEdit feature(std::string_view text) {
  return std::get<FeatureEdit>(parse_edit(text));
}

template <typename Call>
std::string message_of(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Spelling, EveryFormIsReadAndWrittenBack) {
  for (const std::string text :
       {"3:7:120=2.5", "3:*:120=*2", "0:last:1=+3", "0:generated:1=off", "0:2-5:1=from",
        "0:2-:1=from*0.5", "0:1:2=-1.5", "0:1:2=+-3", "resid_post.3:last=*0.5", "z.0:0-4=off"}) {
    const auto edit = parse_edit(text);
    EXPECT_EQ(std::visit([](const auto& e) { return spelling_of(e); }, edit), text);
  }
}

TEST(Spelling, ARangeHoldsItsEnds) {
  const Positions range = feature("0:2-5:1=off").positions;
  EXPECT_FALSE(range.includes(1, 9));
  EXPECT_TRUE(range.includes(2, 9));
  EXPECT_TRUE(range.includes(5, 9));
  EXPECT_FALSE(range.includes(6, 9));
}

TEST(Spelling, WordsMeanThePlacesTheyName) {
  EXPECT_TRUE(parse_positions("last").includes(8, 9));
  EXPECT_FALSE(parse_positions("last").includes(9, 9));
  EXPECT_TRUE(parse_positions("generated").includes(9, 9));
  EXPECT_FALSE(parse_positions("generated").includes(8, 9));
  EXPECT_TRUE(parse_positions("*").includes(0, 9));
  EXPECT_TRUE(parse_positions("*").includes(12, 9));
}

TEST(Spelling, WhatIsNoEditIsRefusedWithTheForm) {
  for (const char* text : {"",
                           "=",
                           "3",
                           "3:4",
                           "3:4:5",
                           ":4=1",
                           "3:4:5=",
                           "3:4:5=x",
                           "a:4:5=1",
                           "3:4:b=1",
                           "3:-1:5=1",
                           "3:5-2:5=1",
                           "3:4:5=nan",
                           "3:4:5=*",
                           "3:4:5=inf",
                           "3:4:5:6=1",
                           "3::5=1",
                           "3:4:99999999999999999999=1",
                           "3:4:5=1e999",
                           "3:18446744073709551615:5=1"}) {
    EXPECT_THROW(parse_edit(text), Error) << text;
  }
}

TEST(Spelling, FrozenLayersAreHeldToTheModel) {
  EXPECT_EQ(parse_frozen("none", 4), Frozen{});
  EXPECT_EQ(parse_frozen("attention", 4), (Frozen{.attention = true}));
  EXPECT_EQ(parse_frozen("1-2", 4).layers, std::pair(std::size_t{1}, std::size_t{3}));
  EXPECT_EQ(parse_frozen("all", 4).layers, std::pair(std::size_t{0}, std::size_t{4}));
  EXPECT_THAT(message_of([] { parse_frozen("2-4", 4); }), ::testing::HasSubstr("has 0 to 3"));
  EXPECT_THROW(parse_frozen("some", 4), Error);
  EXPECT_THROW(parse_frozen("2-", 4), Error);
}

TEST(InterventionJson, ComesBackAsItWas) {
  Interventions all;
  for (const char* text : {"3:7:120=2.5", "3:*:120=*2", "0:last:1=+3", "0:generated:1=off",
                           "0:2-5:1=from", "0:2-:1=from*0.5"}) {
    all.features.push_back(feature(text));
  }
  all.points = {{"resid_post.3", Positions::at(2), {ChangeKind::Add, 2.0}, {1.0, -0.5}},
                {"z.0", Positions::from(0), {ChangeKind::Scale, 0.0}}};
  all.frozen = {.attention = true, .layers = std::pair(std::size_t{1}, std::size_t{3})};
  EXPECT_EQ(interventions_from_json(Json::parse(to_json(all).dump(), "x"), "x"), all);
}

TEST(InterventionJson, DamageIsNamedByItsPlace) {
  const auto read = [](const char* text) {
    return message_of([&] { interventions_from_json(Json::parse(text, "e.json"), "e.json"); });
  };
  EXPECT_THAT(read("[]"), ::testing::HasSubstr("e.json"));
  EXPECT_THAT(read(R"({"features":[{"layer":0,"position":1,"value":1}]})"),
              ::testing::HasSubstr("features[0]"));
  EXPECT_THAT(read(R"({"features":[{"layer":-1,"position":1,"feature":0,"value":1}]})"),
              ::testing::HasSubstr("features[0].layer"));
  EXPECT_THAT(read(R"({"features":[{"layer":0,"position":[1],"feature":0,"value":1}]})"),
              ::testing::HasSubstr("2 numbers"));
  EXPECT_THAT(read(R"({"features":[{"layer":0,"position":1,"feature":0,"value":1,"add":2}]})"),
              ::testing::HasSubstr("more than one"));
  EXPECT_THAT(read(R"({"features":[{"layer":0,"position":1,"feature":0}]})"),
              ::testing::HasSubstr("none of"));
  EXPECT_THAT(read(R"({"points":[{"point":3,"position":1,"value":0}]})"),
              ::testing::HasSubstr("points[0].point"));
  EXPECT_THAT(read(R"({"frozen":{"layers":"*"}})"), ::testing::HasSubstr("no end"));
}

TEST(CheckInterventions, PositionsAndPromptsThatAreNotThereAreNamed) {
  ModelConfig config;
  config.layers = 3;
  const auto refuse = [&](const PointEdit& edit, bool donor = false) {
    return message_of([&] {
      check_interventions({.features = {}, .points = {edit}, .frozen = {}}, config, nullptr, 9,
                          donor);
    });
  };
  EXPECT_EQ(refuse({"resid_pre.1", Positions::at(8), {}}), "");
  EXPECT_THAT(refuse({"resid_pre.1", Positions::at(9), {}}), ::testing::HasSubstr("0 to 8"));
  EXPECT_THAT(refuse({"resid_pre.1", {.begin = 3, .end = 10}, {}}), ::testing::HasSubstr("0 to 8"));
  EXPECT_THAT(refuse({"resid_pre.1", {.begin = 3, .end = 0}, {}}), ::testing::HasSubstr("empty"));
  EXPECT_THAT(refuse({"resid_pre.3", Positions::at(1), {}}), ::testing::HasSubstr("3 layers"));
  const PointEdit from = {"resid_pre.1", Positions::at(1), {ChangeKind::From, 1.0}};
  EXPECT_THAT(refuse(from), ::testing::HasSubstr("no other prompt"));
  EXPECT_EQ(refuse(from, true), "");
  EXPECT_THAT(refuse({"resid_pre.1", parse_positions("generated"), {ChangeKind::From, 1.0}}, true),
              ::testing::HasSubstr("generated"));
  EXPECT_THAT(refuse({"resid_pre.1",
                      Positions::at(1),
                      {ChangeKind::Scale, std::numeric_limits<double>::infinity()}}),
              ::testing::HasSubstr("finite"));
}

TEST(CheckInterventions, AFeatureNeedsADictionary) {
  EXPECT_THAT(message_of([] {
                ModelConfig config;
                config.layers = 3;
                check_interventions({.features = {feature("0:0:0=1")}, .points = {}, .frozen = {}},
                                    config, nullptr, 9, false);
              }),
              ::testing::HasSubstr("needs a dictionary"));
}

TEST(Swap, OneGroupGoesOffAndTheOtherComesFromTheDonor) {
  const std::vector<FeatureEdit> off = {feature("1:3:7=2")};
  const std::vector<FeatureEdit> on = {feature("1:3:9=off")};
  const Interventions swap = swap_features(off, on, 1.5);
  ASSERT_EQ(swap.features.size(), 2U);
  EXPECT_EQ(spelling_of(swap.features[0]), "1:3:7=off");
  EXPECT_EQ(spelling_of(swap.features[1]), "1:3:9=from*1.5");
}

}  // namespace
}  // namespace cajal
