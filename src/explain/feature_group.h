// Features of a graph that stand for one idea.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace cajal {

struct FeatureGroup {
  std::vector<std::uint32_t> nodes;  // features of the graph, ascending, none twice
  std::string label;                 // at most about four words
  std::string apart = {};            // what tells it from others of the same label: "layer 6"
  std::string named_by = {};         // a sentence: how the label was made
  double confidence = 0.0;           // 0 to 1: the share of members, by influence, it holds for

  /// The label with what tells it apart.
  std::string name() const { return apart.empty() ? label : label + ", " + apart; }
};

}  // namespace cajal
