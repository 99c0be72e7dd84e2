// A name for a dictionary's content, whatever files it came from.
#pragma once

#include <string>

#include "dictionary/dictionary.h"

namespace cajal {

/// 32 hexadecimal digits of kind, layers, points, activations and weights (large ones sampled, see
/// add_tensors of io/hash.h). Milliseconds.
std::string dictionary_hash(const Dictionary& dictionary);

}  // namespace cajal
