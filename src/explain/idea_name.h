// What an idea is called: by what its features are known for, or by where they stand and what they
// do here.
#pragma once

#include "explain/ideas.h"

namespace cajal {

/// Sets label, named_by and confidence of every group. No two get the same label.
void name_ideas(const IdeaSources& sources, TruthLabels truth, std::vector<FeatureGroup>& groups);

/// `text` in quotes, blanks at its ends left out.
std::string in_quotes(std::string_view text);

}  // namespace cajal
