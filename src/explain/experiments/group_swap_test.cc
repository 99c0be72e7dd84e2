// Contrast, swaps and their controls on features that are written down.
#include "explain/experiments/group_swap.h"

#include <utility>

#include <gmock/gmock.h>

#include "explain/experiments/subject_test.h"
#include "model/generate.h"

namespace cajal {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Field;

RoledFeature feature(std::uint32_t layer, std::size_t role, std::uint32_t index,
                     double activation = 1.0) {
  return {.layer = layer, .feature = index, .role = role, .activation = activation, .share = 0.1};
}

/// Two layers of 8 features at mlp_out; feature f writes a vector of norm f + 1.
std::shared_ptr<const Dictionary> ramp() {
  auto owner = std::make_shared<std::pair<Matrix, Matrix>>(Matrix::host(8, 32, DType::F32),
                                                           Matrix::host(8, 32, DType::F32));
  std::fill_n(owner->first.as<float>().data, 8 * 32, 0.0F);
  std::fill_n(owner->second.as<float>().data, 8 * 32, 0.0F);
  for (std::size_t f = 0; f < 8; ++f) {
    owner->second.as<float>().at(f, f) = static_cast<float>(f) + 1.0F;
  }
  std::vector<DictionaryLayer> layers(2);
  for (std::size_t l = 0; l < 2; ++l) {
    layers[l].layer = l;
    layers[l].input_point = fmt::format("mlp_in.{}", l);
    layers[l].output_point = fmt::format("mlp_out.{}", l);
    layers[l].w_enc = {std::as_const(owner->first).ref(), Transpose::No};
    layers[l].w_dec = std::as_const(owner->second).ref();
    layers[l].b_enc.assign(8, 0.0F);
    layers[l].b_dec.assign(32, 0.0F);
  }
  return std::make_shared<const Dictionary>(DictionaryInfo{.name = "ramp"}, std::move(layers),
                                            owner);
}

class GroupSwapTest : public testing::SubjectTest {
 protected:
  GroupSwapTest() { subject_.dictionary = ramp(); }
};

TEST(Contrast, KeepsWhatGoesWithOnePromptAndNotWithTheOther) {
  const PromptGraph graph = {
      {}, {feature(0, 0, 1), feature(0, 0, 2), feature(0, 1, 2), feature(1, 0, 3)}};
  const std::vector<RoledFeature> without = {feature(0, 0, 2), feature(1, 1, 3)};
  EXPECT_THAT(contrast(graph, without),
              ElementsAre(feature(0, 0, 1), feature(0, 1, 2), feature(1, 0, 3)));
  const std::vector<std::vector<RoledFeature>> with = {{feature(0, 0, 1), feature(0, 1, 2)},
                                                       {feature(0, 0, 1), feature(1, 0, 3)}};
  EXPECT_THAT(contrast(graph, without, with), ElementsAre(feature(0, 0, 1)));
}

TEST_F(GroupSwapTest, RolesAreTokensOfTheWordsThenTheLast) {
  const std::string text = "The state containing Dallas is";
  const RoledPrompt prompt = roled_prompt(subject_, text, 21, 27);
  const Encoding encoding = small_.tokenizer->encode(text);
  ASSERT_GE(prompt.roles.size(), 2U);
  std::string words;
  for (const Role& role : prompt.roles) {
    const TokenSpan& span = encoding.offsets[role.position];
    words += role.last ? "|" : text.substr(span.begin, span.end - span.begin);
  }
  EXPECT_EQ(words, " Dallas|");
  EXPECT_EQ(prompt.roles.back().position, prompt.ids.size() - 1);
}

TEST(Interventions, SwitchOffThenPutInAtThePromptsPositions) {
  const RoledPrompt prompt = {{1, 2, 3, 4}, {{1, false}, {3, true}}};
  const GroupSwap swap = {{feature(0, 0, 5)}, {feature(0, 0, 5, 2.0), feature(1, 1, 6, 3.0)}};
  const Interventions all = interventions_of(swap, prompt, {.where = "all", .strength = 1.5});
  ASSERT_EQ(all.features.size(), 3U);
  EXPECT_EQ(all.features[0].change, (Change{ChangeKind::Set, 0.0}));
  EXPECT_EQ(all.features[1].change, (Change{ChangeKind::Set, 3.0}));  // the later one counts
  EXPECT_EQ(all.features[2].positions, Positions::at(3));
  EXPECT_EQ(all.features[2].change, (Change{ChangeKind::Set, 4.5}));
  EXPECT_EQ(interventions_of(swap, prompt, {.last = false}).features.size(), 2U);
  EXPECT_EQ(interventions_of(swap, prompt, {.words = false}).features.size(), 1U);
}

TEST(Interventions, StrengthMultipliesTheWayToTheDonor) {
  const RoledPrompt prompt = {.ids = {1, 2}, .roles = {{.position = 1, .last = true}}};
  RoledFeature less = feature(0, 0, 1, 8.0);
  less.now = 10.0;
  RoledFeature gone = feature(0, 0, 2, 1.0);
  gone.now = 5.0;
  const Interventions out = interventions_of({.on = {less, gone}}, prompt, {.strength = 1.5});
  ASSERT_EQ(out.features.size(), 2);
  EXPECT_EQ(out.features[0].change.value, 7.0);
  EXPECT_EQ(out.features[1].change.value, 0.0);
}

TEST_F(GroupSwapTest, ControlsOfWhatFiresAlreadyChangeAsMuchAsItDoes) {
  RoledFeature member = feature(0, 0, 1, 8.0);  // writes a vector of norm 2
  member.now = 10.0;
  const PromptGraph prompt = {.active = {feature(0, 0, 3, 2.0)}};
  const PromptGraph donor = {.active = {feature(0, 0, 3, 6.0)}};  // norm 4
  const GroupSwap control = random_swap(subject_, {.on = {member}}, prompt, donor, 1, 0);
  ASSERT_EQ(control.on.size(), 1);
  EXPECT_EQ(control.on.front().now, 2.0);
  EXPECT_EQ(control.on.front().activation, 3.0);
}

TEST_F(GroupSwapTest, ControlsAreAsManyOfTheSameNormAndNotOfTheGroup) {
  PromptGraph fires;
  for (std::uint32_t l = 0; l < 2; ++l) {
    for (std::size_t role = 0; role < 2; ++role) {
      for (std::uint32_t f = 0; f < 8; ++f) {
        fires.active.push_back(feature(l, role, f));
      }
    }
  }
  const GroupSwap group = {{feature(0, 0, 1), feature(1, 1, 2)},
                           {feature(0, 0, 3, 2.0), feature(1, 0, 4, 1.0)}};
  const GroupSwap control = random_swap(subject_, group, fires, fires, 7, 0);
  ASSERT_EQ(control.off.size(), 2U);
  ASSERT_EQ(control.on.size(), 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(control.off[i].layer, group.off[i].layer);
    EXPECT_EQ(control.off[i].role, group.off[i].role);
    EXPECT_NE(control.off[i].feature, group.off[i].feature);
    EXPECT_NE(control.on[i].feature, group.on[i].feature);
    EXPECT_NEAR((control.on[i].activation - control.on[i].now) * (control.on[i].feature + 1.0),
                group.on[i].activation * (group.on[i].feature + 1.0), 1e-12);
  }
  EXPECT_EQ(random_swap(subject_, group, fires, fires, 7, 0).on, control.on);
}

TEST_F(GroupSwapTest, ControlsAreSmallerWhereNothingElseFires) {
  const GroupSwap group = {{feature(0, 0, 1)}, {}};
  const PromptGraph fires = {{feature(0, 0, 1)}, {}};
  EXPECT_TRUE(random_swap(subject_, group, fires, fires, 0, 0).off.empty());
}

TEST_F(GroupSwapTest, NothingSwappedIsWhatTheModelSays) {
  const RoledPrompt prompt = roled_prompt(subject_, "The state containing Dallas is", 0, 0);
  const std::vector<std::vector<TokenId>> prompts = {prompt.ids};
  const auto generated =
      generate(*small_.backend, *small_.model, nullptr, prompts, {.max_tokens = 4});
  std::string text;
  for (const TokenId id : generated[0].ids) {
    text += small_.tokenizer->bytes_of(id);
  }
  const std::string said = continuation(subject_, prompt, {}, text.size());
  EXPECT_EQ(said.substr(0, text.size()), text);
}

TEST_F(GroupSwapTest, TheBestSettingIsTheFirstOfTheMostSuccesses) {
  SwapCase one{.prompt = roled_prompt(subject_, "The state containing Dallas is", 0, 0)};
  one.bytes = 1;
  one.succeeds = [](std::string_view) { return true; };
  std::vector<TriedSetting> tried;
  const std::vector<SwapSetting> settings = {{"a", true, true, 1.0}, {"b", true, true, 2.0}};
  EXPECT_EQ(best_setting(subject_, std::span(&one, 1), settings, tried, {}).where, "a");
  EXPECT_THAT(tried, Each(Field(&TriedSetting::rate, Field(&Rate::right, 1U))));
}

}  // namespace
}  // namespace cajal
