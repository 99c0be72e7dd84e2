// What is said of the places of landmarks, and of no landmark: in what they lie, and what other
// languages call them. Some names of places would otherwise stand beside one landmark alone, and be
// seen nowhere if that is held out.
#pragma once

#include <array>
#include <string_view>
#include <vector>

#include "corpus/world/landmark_facts.h"

namespace cajal {

class LandmarkPlaces {
 public:
  /// Throws CorruptData naming table and line.
  explicit LandmarkPlaces(const Tables& tables);

  /// A sentence about one of the landmark's places.
  void append(Document& out, Dice& dice, const LandmarkFacts& facts, std::size_t landmark) const;

 private:
  /// "Berlin liegt hier: Deutschland." `from`: City or Country, where what it lies in has a name.
  void append_where(Document& out, Dice& dice, const Landmark& landmark,
                    LandmarkQuestion from) const;

  std::array<std::vector<MarkedForm>, kLanguageCount> forms_;
};

}  // namespace cajal
