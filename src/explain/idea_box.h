// The box of an idea: its members, where it fires elsewhere, what it promotes.
#pragma once

#include "explain/ideas.h"

namespace cajal {

/// How many of each a box lists.
struct BoxLimits {
  std::size_t members = 12;
  std::size_t tokens = 5;
  std::size_t examples = 3;
};

/// Everything but the claim. What an atlas knows is empty without one.
ChartBox idea_box(const IdeaSources& sources, const FeatureGroup& group, std::string id,
                  const BoxLimits& limits);

}  // namespace cajal
