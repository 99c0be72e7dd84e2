#include "explain/chart/versus_json.h"

#include "explain/chart/json_parts.h"

namespace cajal {
namespace {

/// A claim, and how far it goes towards the other answer.
Json claim_json(const VersusChart& chart, std::size_t prompt,
                const std::optional<TriedClaim>& claim) {
  Json out = json_of(claim);
  if (claim) {
    const auto way = chart.way(prompt, claim->measured);
    out.set("way", way ? Json(*way) : Json());
  }
  return out;
}

/// Of an idea with its box, of words with what they are.
Json half_json(const VersusChart& chart, const VersusEntry& entry, std::size_t prompt) {
  const VersusHalf& half = entry.halves[prompt];
  Json out = Json::object({{"share", half.share},
                           {"effect", half.effect},
                           {"fires", half.fires},
                           {"exchanged", claim_json(chart, prompt, half.claim)}});
  if (entry.kind == BoxKind::Idea) {
    return out.set("box", half.box ? json_of(*half.box) : Json());
  }
  const auto position = [](std::uint32_t p) { return Json(std::uint64_t{p}); };
  out.set("text", half.box ? Json(half.box->label) : Json());
  return out.set("positions",
                 list_of(half.box ? half.box->positions : std::vector<std::uint32_t>(), position));
}

Json entries_json(const VersusChart& chart, const std::vector<VersusEntry>& entries) {
  return list_of(entries, [&](const VersusEntry& entry) {
    return Json::object({{"id", entry.id},
                         {"label", entry.label},
                         {"where", name_of(entry.where)},
                         {"likeness", entry.likeness},
                         {"exchangeable", entry.exchangeable},
                         {"first", half_json(chart, entry, 0)},
                         {"second", half_json(chart, entry, 1)}});
  });
}

Json prompt_json(const VersusChart& chart, std::size_t index) {
  const VersusPrompt& prompt = chart.prompts[index];
  return Json::object(
      {{"prompt", prompt.prompt},
       {"tokens", list_of(prompt.tokens, [](const ChartToken& x) { return json_of(x); })},
       {"answer", Json::object({{"text", prompt.answer},
                                {"probability", prompt.answer_probability},
                                {"value", prompt.value}})},
       {"alternatives",
        list_of(prompt.alternatives, [](const ChartAlternative& x) { return json_of(x); })},
       {"unexplained", prompt.unexplained},
       {"ideas_hold", prompt.ideas_hold},
       {"scores", Json::object({{"replacement", prompt.replacement},
                                {"completeness", prompt.completeness},
                                {"largest_row_residual", prompt.largest_residual}})},
       {"all_exchanged", claim_json(chart, index, prompt.all)}});
}

}  // namespace

std::string_view name_of(VersusWhere where) noexcept {
  switch (where) {
    case VersusWhere::First:
      return "first";
    case VersusWhere::Second:
      return "second";
    case VersusWhere::Both:
      return "both";
  }
  return "";
}

Json to_json(const VersusChart& chart) {
  return Json::object({{"title", chart.title},
                       {"same_answer", !chart.opposed},
                       {"first", prompt_json(chart, 0)},
                       {"second", prompt_json(chart, 1)},
                       {"words", entries_json(chart, chart.words)},
                       {"ideas", entries_json(chart, chart.ideas)},
                       {"claims", Json::object({{"held", std::uint64_t{chart.claims_held}},
                                                {"tried", std::uint64_t{chart.claims_tried}}})},
                       {"notes", Json::array_of(chart.notes)},
                       {"footer", chart.footer}});
}

}  // namespace cajal
