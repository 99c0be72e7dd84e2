// Which features write alike: cosines of decoder rows.
#pragma once

#include <cstdint>
#include <vector>

#include "dictionary/dictionary.h"
#include "ops/backend.h"

namespace cajal {

struct NearFeature {
  std::uint32_t feature = 0;
  float cosine = 0.0F;
};

struct DecoderCosines {
  std::vector<double> largest;                    // [features] with another feature of the layer
  std::vector<double> absolute;                   // [features] the largest absolute one
  std::vector<std::vector<NearFeature>> nearest;  // [features] the `top` nearest, nearest first
};

/// Of layers()[index], all targets of a CLT side by side. features^2 * d operations, in blocks.
/// Features that write nothing are near to none; of a layer with one feature both are 0.
DecoderCosines decoder_cosines(Backend& backend, const Dictionary& dictionary, std::size_t index,
                               std::size_t top = 0);

}  // namespace cajal
