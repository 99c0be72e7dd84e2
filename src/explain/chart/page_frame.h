// What all pages have around them. Private to this folder.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "explain/chart/chart.h"

namespace cajal {

/// A page with this title; `body` stands within <main>.
std::string page_of(std::string_view title, const std::string& body);

/// The tokens as they stand in the text, each underlined by its share of the answer: the strongest
/// fully, the others in proportion. `classes` for the paragraph.
std::string prompt_html(const std::vector<ChartToken>& tokens, const std::string& answer,
                        std::string_view classes = "prompt");

std::string notes_html(const std::vector<std::string>& notes);

/// A number of the footer, with the field's terms on hover.
std::string footer_figure(std::string_view what, const std::string& number, std::string_view terms);

}  // namespace cajal
