#include "explain/chart/versus_words.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "explain/chart/chart_words.h"

namespace cajal {

std::string_view title_of(VersusWhere where) {
  switch (where) {
    case VersusWhere::First:
      return "only in the first";
    case VersusWhere::Second:
      return "only in the second";
    case VersusWhere::Both:
      return "in both";
  }
  return "";
}

std::string way_text(const VersusChart& chart, std::size_t prompt,
                     const std::optional<TriedClaim>& claim) {
  if (!claim) {
    return "–";
  }
  const auto way = chart.way(prompt, claim->measured);
  return way ? percent_text(*way) : signed_text(claim->measured);
}

std::string goes_text(const VersusChart& chart, std::size_t prompt, const TriedClaim& claim) {
  const auto way = chart.way(prompt, claim.measured);
  return way ? fmt::format("it goes {} of the way", percent_text(*way))
             : fmt::format("the answer's logit changes by {}", signed_text(claim.measured));
}

std::string marked_way(const VersusChart& chart, std::size_t prompt,
                       const std::optional<TriedClaim>& claim) {
  const std::string way = way_text(chart, prompt, claim);
  return claim ? way + (claim->held() ? " ✓" : " ✗") : way + "  ";
}

std::string where_text(const VersusChart& chart, const VersusEntry& entry) {
  const bool second = !entry.halves[0].box ||
                      (entry.halves[1].box && entry.halves[1].share > entry.halves[0].share);
  const std::size_t prompt = second ? 1 : 0;
  Chart words;  // what texts of places need of a chart
  words.tokens = chart.prompts[prompt].tokens;
  return where_text(words, *entry.halves[prompt].box);
}

std::string value_text(const VersusChart& chart, std::size_t prompt) {
  const VersusPrompt& own = chart.prompts[prompt];
  const std::string name = quoted_token(bare_token(own.answer));
  const std::string size = fmt::format("{:.1f}", std::abs(own.value));
  const char* more = own.value < 0.0 ? "less" : "more";
  return chart.opposed
             ? fmt::format("{} has {} logits {} than {}", name, size, more,
                           quoted_token(bare_token(chart.prompts[1 - prompt].answer)))
             : fmt::format("{} has {} logits {} than tokens have on average", name, size, more);
}

std::string truth_text(const VersusChart& chart) {
  const auto& [first, second] = chart.prompts;
  const std::string claims =
      chart.claims_tried == 0
          ? "no claim tried"
          : fmt::format("claims held {} of {}", chart.claims_held, chart.claims_tried);
  return fmt::format(
      "{} · replacement {:.2f} and {:.2f} · completeness {:.2f} and {:.2f} · rows sum to {}",
      claims, first.replacement, second.replacement, first.completeness, second.completeness,
      residual_text(std::max(first.largest_residual, second.largest_residual)));
}

std::string way_explained(const VersusChart& chart) {
  const std::string begin = "made as in the other prompt, nothing frozen: ";
  return chart.way(0, 0.0)
             ? begin +
                   "how far the answer then goes to the other's (100 %: all the way; below 0: away "
                   "from it)"
             : begin + "what the answer's logit then changes by";
}

}  // namespace cajal
