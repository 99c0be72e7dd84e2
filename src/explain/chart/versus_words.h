// The words and numbers of a comparison as every picture of it writes them. Private to this folder.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "explain/chart/versus_chart.h"

namespace cajal {

/// What the three kinds of lines are called: of ideas that are only in the first, only in the
/// second, in both.
std::string_view title_of(VersusWhere where);

/// "it goes 83 % of the way", or what happens to the logit where both prompts have one answer.
std::string goes_text(const VersusChart& chart, std::size_t prompt, const TriedClaim& claim);
/// "83 %": how far what was tried goes towards the other answer; in logits where both prompts have
/// about the same value. "–" where nothing was tried.
std::string way_text(const VersusChart& chart, std::size_t prompt,
                     const std::optional<TriedClaim>& claim);
/// The same with ✓ or ✗.
std::string marked_way(const VersusChart& chart, std::size_t prompt,
                       const std::optional<TriedClaim>& claim);

/// "layers 2–5 · at “Dallas”", as the prompt that has it more strongly says it.
std::string where_text(const VersusChart& chart, const VersusEntry& entry);

/// "“Austin” has 14.2 logits more than “Sacramento”".
std::string value_text(const VersusChart& chart, std::size_t prompt);

/// The line of truth: claims held, scores of both.
std::string truth_text(const VersusChart& chart);

/// What the numbers under "made as in the other" say.
std::string way_explained(const VersusChart& chart);

}  // namespace cajal
