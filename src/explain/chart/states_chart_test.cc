#include "explain/chart/states_chart_test.h"

namespace cajal::testing {
namespace {

TriedClaim claim(double predicted, double measured, bool held) {
  return {.predicted = predicted,
          .measured = measured,
          .control_95 = 0.2,
          .controls = 20,
          .sign = held,
          .size = held,
          .beyond = held,
          .becomes = " Sacramento",
          .becomes_probability = 0.9};
}

VersusEntry entry(const std::string& label, VersusWhere where, double first, double second) {
  VersusEntry out = {.id = "i0", .label = label, .where = where};
  const std::array<double, 2> shares = {first, second};
  for (std::size_t prompt = 0; prompt < kVersusPrompts; ++prompt) {
    VersusHalf& half = out.halves[prompt];
    half.share = shares[prompt];
    half.effect = 10.0 * shares[prompt];
    half.fires = shares[prompt] > 0.0 ? 1.0 : 0.0;
    if (shares[prompt] > 0.0) {
      half.box = ChartBox{.id = "i3", .label = label, .named_by = "by its features"};
      half.box->first_layer = 2;
      half.box->last_layer = 5;
      half.box->positions = {1};
      half.box->members = {{.layer = 2, .position = 1, .feature = 311, .label = "state=Texas"}};
      half.box->examples = {{"in", " Houston", ", where"}};
    }
  }
  return out;
}

}  // namespace

VersusChart states_chart() {
  VersusChart out;
  out.title = "Why is the first prompt answered \"Austin\" and the second \"Sacramento\"?";
  out.prompts[0] = {.prompt = "the capital of Dallas",
                    .tokens = {{"the", 0.1}, {" Dallas", 0.4}},
                    .answer = " Austin",
                    .answer_probability = 0.94,
                    .value = 8.0};
  out.prompts[1] = {.prompt = "the capital of Oakland",
                    .tokens = {{"the", 0.1}, {" Oakland", 0.4}},
                    .answer = " Sacramento",
                    .answer_probability = 0.9,
                    .value = 12.0};
  out.prompts[0].all = claim(-16.0, -18.0, true);
  VersusEntry words = entry("Dallas / Oakland", VersusWhere::Both, 0.4, 0.4);
  words.kind = BoxKind::Word;
  out.words = {words};
  out.ideas = {entry("Texas", VersusWhere::First, 0.3, 0.0),
               entry("California", VersusWhere::Second, 0.0, 0.25),
               entry("asks for a capital", VersusWhere::Both, 0.2, 0.2)};
  out.ideas[0].halves[0].claim = claim(-6.0, -5.0, true);
  out.ideas[0].halves[1].claim = claim(-6.0, 1.0, false);
  out.claims_tried = 2;
  out.claims_held = 1;
  out.footer = "a model";
  return out;
}

}  // namespace cajal::testing
