// Where in a model the layers of a dictionary belong.
#pragma once

#include <vector>

#include "dictionary/dictionary.h"
#include "model/points.h"

namespace cajal {

/// What a layer of a dictionary reads and what it gives back; the same point for an autoencoder.
struct DictionarySite {
  Point input;
  Point output;
};

/// By layers(). Throws InvalidArgument naming dictionary, layer and numbers where the model has
/// fewer layers, no such point, or points of another width, and where the dictionary does not say
/// where it belongs.
std::vector<DictionarySite> sites_of(const Dictionary& dictionary, const ModelConfig& config);

}  // namespace cajal
