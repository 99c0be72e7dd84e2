#include "explain/chart/chart_json.h"

#include <algorithm>

#include "explain/chart/json_parts.h"

namespace cajal {

Json json_of(const ChartToken& token) {
  return Json::object({{"text", token.text}, {"share", token.share}});
}

Json json_of(const ChartAlternative& other) {
  return Json::object({{"text", other.text}, {"probability", other.probability}});
}

Json json_of(const std::optional<TriedClaim>& claim) {
  if (!claim) {
    return {};
  }
  return Json::object({{"held", claim->held()},
                       {"predicted", claim->predicted},
                       {"measured", claim->measured},
                       {"control_95", claim->control_95},
                       {"controls", std::uint64_t{claim->controls}},
                       {"sign", claim->sign},
                       {"size", claim->size},
                       {"beyond", claim->beyond},
                       {"becomes", claim->becomes},
                       {"becomes_probability", claim->becomes_probability}});
}

namespace {

Json json_of(const ChartMember& member) {
  return Json::object({{"layer", std::uint64_t{member.layer}},
                       {"position", std::uint64_t{member.position}},
                       {"feature", std::uint64_t{member.feature}},
                       {"activation", member.activation},
                       {"share", member.share},
                       {"label", member.label},
                       {"label_by", member.label_by},
                       {"label_score", member.label_score}});
}

Json json_of(const ChartExample& example) {
  return Json::object(
      {{"before", example.before}, {"firing", example.firing}, {"after", example.after}});
}

}  // namespace

Json json_of(const ChartBox& box) {
  return Json::object(
      {{"id", box.id},
       {"label", box.label},
       {"apart", box.apart},
       {"named_by", box.named_by},
       {"confidence", box.confidence},
       {"first_layer", std::uint64_t{box.first_layer}},
       {"last_layer", std::uint64_t{box.last_layer}},
       {"positions", list_of(box.positions, [](std::uint32_t p) { return std::uint64_t{p}; })},
       {"share", box.share},
       {"effect", box.effect},
       {"members", list_of(box.members, [](const ChartMember& x) { return json_of(x); })},
       {"examples", list_of(box.examples, [](const ChartExample& x) { return json_of(x); })},
       {"promotes", Json::array_of(box.promotes)},
       {"suppresses", Json::array_of(box.suppresses)},
       {"claim", json_of(box.claim)}});
}

namespace {

Json json_of(const ChartHead& head) {
  return Json::object({{"layer", std::uint64_t{head.layer}},
                       {"head", std::uint64_t{head.head}},
                       {"to", std::uint64_t{head.to}},
                       {"from", std::uint64_t{head.from}},
                       {"effect", head.effect}});
}

Json json_of(const ChartEdge& edge) {
  return Json::object(
      {{"source", edge.source},
       {"target", edge.target},
       {"share", edge.share},
       {"effect", edge.effect},
       {"heads", list_of(edge.heads, [](const ChartHead& x) { return json_of(x); })},
       {"other_heads", edge.other_heads},
       {"bypass", edge.bypass},
       {"claim", json_of(edge.claim)}});
}

Json json_of(const ChartRoute& route) {
  return Json::object(
      {{"boxes", Json::array_of(route.boxes)}, {"share", route.share}, {"effect", route.effect}});
}

Json boxes_of(const Chart& chart, BoxKind kind) {
  Json::Array out;
  for (const ChartBox& box : chart.boxes) {
    if (box.kind == kind) {
      out.push_back(json_of(box));
    }
  }
  return Json(std::move(out));
}

}  // namespace

Json to_json(const Chart& chart) {
  return Json::object(
      {{"title", chart.title},
       {"prompt", chart.prompt},
       {"tokens", list_of(chart.tokens, [](const ChartToken& x) { return json_of(x); })},
       {"answer", Json::object({{"text", chart.answer},
                                {"probability", chart.answer_probability},
                                {"boxes", boxes_of(chart, BoxKind::Answer)}})},
       {"why_not", chart.why_not},
       {"alternatives",
        list_of(chart.alternatives, [](const ChartAlternative& x) { return json_of(x); })},
       {"words", boxes_of(chart, BoxKind::Word)},
       {"ideas", boxes_of(chart, BoxKind::Idea)},
       {"edges", list_of(chart.edges, [](const ChartEdge& x) { return json_of(x); })},
       {"routes", list_of(chart.routes, [](const ChartRoute& x) { return json_of(x); })},
       {"unexplained", Json::object({{"share", chart.unexplained},
                                     {"boxes", boxes_of(chart, BoxKind::Unexplained)}})},
       {"ideas_hold", chart.ideas_hold},
       {"claims", Json::object({{"held", std::uint64_t{chart.claims_held}},
                                {"tried", std::uint64_t{chart.claims_tried}}})},
       {"scores", Json::object({{"replacement", chart.replacement},
                                {"completeness", chart.completeness},
                                {"largest_row_residual", chart.largest_residual}})},
       {"notes", Json::array_of(chart.notes)},
       {"footer", chart.footer}});
}

}  // namespace cajal
