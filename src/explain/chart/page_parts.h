// Pieces of which the pages' panels and tables are made, as HTML. Private to this folder.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "explain/chart/chart.h"

namespace cajal {

/// A text as a cell of a table; `number` ones stand at the right.
std::string cell(const std::string& text);
std::string number_cell(const std::string& text);
/// What and how much.
std::string row(const std::string& what, const std::string& number);

/// `terms` are the field's, to read on hover.
std::string heading(std::string_view text, std::string_view terms = "");
std::string paragraph(std::string_view classes, std::string_view text);

/// Predicted, measured, random groups, what the answer becomes, and whether it held.
std::string claim_html(const TriedClaim& claim);
std::string tokens_html(const std::vector<std::string>& tokens);
std::string examples_html(const ChartBox& box);
/// Of `chart` the tokens are needed.
std::string members_html(const Chart& chart, const ChartBox& box);

}  // namespace cajal
