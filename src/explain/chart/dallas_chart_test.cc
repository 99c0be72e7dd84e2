#include "explain/chart/dallas_chart_test.h"

#include <array>

#include <fmt/format.h>

#include "base/random.h"

namespace cajal::testing {
namespace {

ChartBox word(std::string id, std::string label, std::uint32_t position, double share) {
  return {.id = std::move(id),
          .kind = BoxKind::Word,
          .label = std::move(label),
          .named_by = "a word of the prompt",
          .confidence = 1.0,
          .positions = {position},
          .share = share,
          .effect = 8.0 * share};
}

ChartBox texas() {
  return {
      .id = "i2",
      .kind = BoxKind::Idea,
      .label = "Texas",
      .named_by = "after its examples: 5 of 6 features fire where state=Texas is true (F1 0.93)",
      .confidence = 0.83,
      .first_layer = 2,
      .last_layer = 5,
      .positions = {8},
      .share = 0.54,
      .effect = 6.1,
      .members = {{.layer = 2,
                   .position = 8,
                   .feature = 311,
                   .activation = 4.1,
                   .share = 0.22,
                   .label = "state=Texas",
                   .label_by = "truth",
                   .label_score = 0.93},
                  {.layer = 3,
                   .position = 8,
                   .feature = 1204,
                   .activation = 3.7,
                   .share = 0.2,
                   .label = "state=Texas",
                   .label_by = "truth",
                   .label_score = 0.91},
                  {.layer = 5, .position = 9, .feature = 87, .activation = 2.2, .share = 0.12}},
      .examples = {{" flew from", " Houston", " to Boston and"},
                   {" the city", " El Paso", " lies in"},
                   {" of the state containing", " Waco", " is"}},
      .promotes = {" Texas", " Austin", " Houston"},
      .suppresses = {" Ohio", " Albany"},
      .claim = TriedClaim{.predicted = -6.1,
                          .measured = -5.2,
                          .control_95 = 0.4,
                          .controls = 20,
                          .sign = true,
                          .size = true,
                          .beyond = true,
                          .becomes = " Albany",
                          .becomes_probability = 0.31}};
}

ChartBox asks() {
  return {
      .id = "i1",
      .kind = BoxKind::Idea,
      .label = "asks for a capital",
      .named_by = "after the text before it fires",
      .confidence = 0.7,
      .first_layer = 1,
      .last_layer = 4,
      .positions = {3},
      .share = 0.33,
      .effect = 3.2,
      .members = {{.layer = 1,
                   .position = 3,
                   .feature = 12,
                   .activation = 1.5,
                   .share = 0.2,
                   .label = "after \"the capital of\"",
                   .label_by = "context",
                   .label_score = 0.8},
                  {.layer = 4, .position = 3, .feature = 640, .activation = 2.4, .share = 0.13}},
      .examples = {{"Fact: the", " capital", " of France"}},
      .promotes = {" Paris"},
      .claim = TriedClaim{.predicted = -3.2,
                          .measured = -3.6,
                          .control_95 = 0.3,
                          .controls = 20,
                          .sign = true,
                          .size = true,
                          .beyond = true,
                          .becomes = " Texas",
                          .becomes_probability = 0.22}};
}

ChartBox says() {
  return {.id = "i4",
          .kind = BoxKind::Idea,
          .label = "says \" Austin\"",
          .named_by = "after the token that its features make likelier",
          .confidence = 1.0,
          .first_layer = 5,
          .last_layer = 7,
          .positions = {9},
          .share = 0.72,
          .effect = 7.7,
          .members = {{.layer = 6,
                       .position = 9,
                       .feature = 33,
                       .activation = 9.25,
                       .share = 0.72,
                       .label = "says \" Austin\"",
                       .label_by = "logits",
                       .label_score = 0.97}},
          .promotes = {" Austin"},
          .claim = TriedClaim{.predicted = -7.7,
                              .measured = -6.9,
                              .control_95 = 0.5,
                              .controls = 20,
                              .sign = true,
                              .size = true,
                              .beyond = true,
                              .becomes = " Houston",
                              .becomes_probability = 0.4}};
}

ChartBox big_cities() {
  return {.id = "i3",
          .kind = BoxKind::Idea,
          .label = "big cities of Texas",
          .named_by = "after its examples",
          .confidence = 0.5,
          .first_layer = 3,
          .last_layer = 3,
          .positions = {8},
          .share = 0.05,
          .effect = -0.6,
          .members = {{.layer = 3, .position = 8, .feature = 77, .activation = 0.9, .share = 0.05}},
          .examples = {{" in", " Houston", " there"}},
          .promotes = {" Houston", " Dallas"},
          .claim = TriedClaim{.predicted = 0.6,
                              .measured = -0.1,
                              .control_95 = 0.4,
                              .controls = 20,
                              .becomes = " Austin",
                              .becomes_probability = 0.93}};
}

std::vector<ChartEdge> dallas_edges() {
  const TriedClaim good{.predicted = -4.4,
                        .measured = -3.9,
                        .control_95 = 0.3,
                        .controls = 20,
                        .sign = true,
                        .size = true,
                        .beyond = true};
  const TriedClaim bad{
      .predicted = -0.9, .measured = -0.1, .control_95 = 0.3, .controls = 20, .sign = true};
  return {{.source = "w8",
           .target = "i2",
           .share = 0.54,
           .effect = 5.5,
           .heads = {{.layer = 1, .head = 2, .to = 8, .from = 7, .effect = 2.5}},
           .other_heads = 0.5,
           .bypass = 2.5},
          {.source = "i4", .target = "answer", .share = 0.72, .effect = 7.7, .bypass = 7.7},
          {.source = "i2",
           .target = "i4",
           .share = 0.45,
           .effect = 4.4,
           .heads = {{.layer = 4, .head = 3, .to = 9, .from = 8, .effect = 3.12},
                     {.layer = 5, .head = 0, .to = 9, .from = 8, .effect = 0.79}},
           .other_heads = 0.0,
           .bypass = 0.49,
           .claim = good},
          {.source = "i1",
           .target = "i4",
           .share = 0.27,
           .effect = 2.7,
           .other_heads = 2.7,
           .claim = good},
          {.source = "w3", .target = "i1", .share = 0.25, .effect = 2.0, .bypass = 2.0},
          {.source = "unexplained", .target = "answer", .share = 0.14, .effect = 1.4},
          {.source = "i2",
           .target = "answer",
           .share = 0.09,
           .effect = 0.9,
           .bypass = 0.9,
           .claim = bad},
          {.source = "w6", .target = "i1", .share = 0.08, .effect = 0.6, .bypass = 0.6},
          {.source = "w8", .target = "i3", .share = 0.05, .effect = -0.6, .bypass = -0.6},
          {.source = "i3", .target = "answer", .share = 0.05, .effect = -0.6, .bypass = -0.6}};
}

std::vector<ChartToken> dallas_tokens() {
  return {{"Fact", 0.0}, {":", 0.0},       {" the", 0.01},       {" capital", 0.24}, {" of", 0.0},
          {" the", 0.0}, {" state", 0.07}, {" containing", 0.0}, {" Dallas", 0.54},  {" is", 0.0}};
}

}  // namespace

Chart dallas_chart() {
  ChartBox answer{.id = "answer",
                  .kind = BoxKind::Answer,
                  .label = " Austin",
                  .positions = {9},
                  .share = 1.0,
                  .effect = 9.9};
  ChartBox unexplained{.id = "unexplained",
                       .kind = BoxKind::Unexplained,
                       .label = "not explained",
                       .share = 0.14,
                       .effect = 1.4};
  return {.title = "Why did the model answer \" Austin\"?",
          .prompt = "Fact: the capital of the state containing Dallas is",
          .tokens = dallas_tokens(),
          .answer = " Austin",
          .answer_probability = 0.94,
          .alternatives = {{" Houston", 0.02}, {" Albany", 0.004}},
          .boxes = {word("w3", "capital", 3, 0.24), word("w6", "state", 6, 0.07),
                    word("w8", "Dallas", 8, 0.54), asks(), texas(), big_cities(), says(), answer,
                    unexplained},
          .edges = dallas_edges(),
          .routes = {{{"w8", "i2", "i4", "answer"}, 0.45, 4.4},
                     {{"w3", "i1", "i4", "answer"}, 0.2, 2.0},
                     {{"w8", "i2", "answer"}, 0.09, 0.9},
                     {{"w6", "i1", "i4", "answer"}, 0.07, 0.7},
                     {{"w8", "i3", "answer"}, 0.05, -0.6}},
          .unexplained = 0.14,
          .replacement = 0.86,
          .completeness = 0.91,
          .largest_residual = 3e-7,
          .ideas_hold = 0.88,
          .claims_held = 5,
          .claims_tried = 7,
          .notes = {"The ideas hold 88 % of the influence of all features that were kept."},
          .footer = "specimen, bf16x2; over 500 prompts 82 % of claims held."};
}

Chart crowded_chart(unsigned number) {
  std::uint64_t drawn = 0;
  Chart out = dallas_chart();
  out.boxes.clear();
  out.edges.clear();
  out.routes.clear();
  const std::array<std::string, 6> labels = {
      "</script><b>&amp;\"'",     "state=Massachusetts", "after \"the capital of the state\"",
      "日本語の首都はどこですか", "fires on \"\n\"",     "says \" Austin\""};
  const auto chance = [&] { return random_uniform(number, 0, drawn++); };
  for (std::uint32_t w = 2; w < 9; ++w) {
    out.boxes.push_back(word(fmt::format("w{}", w), out.tokens[w].text, w, 0.03 * w));
  }
  for (std::uint32_t i = 0; i < 12; ++i) {
    ChartBox box = texas();
    box.id = fmt::format("i{}", i);
    box.label = labels[i % labels.size()];
    box.first_layer = i / 2;
    box.last_layer = i / 2 + 2;
    box.positions =
        i % 2 == 0 ? std::vector<std::uint32_t>{8, 9} : std::vector<std::uint32_t>{3, 6, 9};
    box.share = 0.05 + 0.03 * i;
    box.effect = i % 5 == 4 ? -0.7 : 2.0;
    box.claim->size = i % 4 != 3;
    out.boxes.push_back(box);
  }
  const auto add = [&](std::string source, std::string target) {
    const double share = 0.005 + 0.2 * chance() * chance();
    out.edges.push_back({.source = std::move(source),
                         .target = std::move(target),
                         .share = share,
                         .effect = chance() < 0.2 ? -share : 8 * share,
                         .other_heads = share});
  };
  for (std::uint32_t w = 2; w < 9; ++w) {
    add(fmt::format("w{}", w), fmt::format("i{}", w % 4));
    add(fmt::format("w{}", w), fmt::format("i{}", (w * 5) % 12));
  }
  for (std::uint32_t i = 0; i < 12; ++i) {
    add(fmt::format("i{}", i), i >= 9 ? "answer" : fmt::format("i{}", i + 2 + (i % 2)));
    if (i % 3 == 0) {
      add(fmt::format("i{}", i), "answer");
    }
  }
  add("unexplained", "answer");
  add("i6", "i5");  // groups may lean on each other
  add("i5", "i6");
  const Chart dallas = dallas_chart();
  out.boxes.push_back(*dallas.box("answer"));
  out.boxes.push_back(*dallas.box("unexplained"));
  out.routes = {{{"w8", "i4", "i6", "answer"}, 0.2, 2.0}, {{"w3", "i3", "answer"}, 0.1, -0.5}};
  return out;
}

}  // namespace cajal::testing
