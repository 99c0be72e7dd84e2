// The words and numbers of a chart as every picture of it writes them: terminal, SVG and page say
// the same. Texts come back as UTF-8 without control characters, not escaped for any markup.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "explain/chart/chart.h"

namespace cajal {

/// "54 %", "0.4 %", "0 %"; a minus sign in front of what is below zero.
std::string percent_text(double share);
/// "+6.1", "−0.02": logits, at least two digits that count.
std::string signed_text(double logits);
/// "0.94"; "<0.001" for what is not zero but would show as it.
std::string probability_text(double probability);
/// "3e-7".
std::string residual_text(double residual);

/// One line that shows what a token holds: a new line as ↵, a tab as ⇥, other control characters
/// and broken UTF-8 as U+FFFD.
std::string shown_token(std::string_view text);
/// The same between “ and ”.
std::string quoted_token(std::string_view text);
/// The same without blanks around, for the names of words; a blank alone becomes ␣.
std::string bare_token(std::string_view text);

/// "layers 2–5", "layer 3".
std::string layers_text(const ChartBox& box);
/// "at “Dallas”", "at “capital”, “is”, …": neighbours are one word; empty without positions.
std::string positions_text(const Chart& chart, const ChartBox& box);
/// What stands beneath a box's name.
std::string where_text(const Chart& chart, const ChartBox& box);

/// How a box is called: of an answer the token in quotes, of the others the label, with what tells
/// it from another of the same label.
std::string name_text(const ChartBox& box);
/// The same in at most `columns` columns: the label is cut first, what tells it apart stays as long
/// as there is room for both.
std::string short_name(const ChartBox& box, std::size_t columns);
/// "capital, state → asks for a capital → says “Austin”", without the answer.
std::string route_text(const Chart& chart, const ChartRoute& route);

/// Whether it lowers the answer.
inline bool speaks_against(double effect) noexcept {
  return effect < 0.0;
}
/// Whether it was tried and did not hold.
inline bool failed(const std::optional<TriedClaim>& claim) noexcept {
  return claim.has_value() && !claim->held();
}
/// "held", or "did not hold: wrong sign, not beyond random groups".
std::string verdict_text(const TriedClaim& claim);

/// "4:120 at “Dallas”".
std::string member_text(const Chart& chart, const ChartMember& member);
/// "head 4.3, “is” reads “Dallas”".
std::string head_text(const Chart& chart, const ChartHead& head);

/// Columns that a terminal takes for it: 2 for East Asian wide characters, 0 for combining marks.
std::size_t terminal_width(std::string_view text) noexcept;
/// At most `columns` columns, "…" in place of the rest.
std::string cut_to_width(std::string_view text, std::size_t columns);

}  // namespace cajal
