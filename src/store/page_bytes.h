// A feature's numbers as bytes and back: integers of seven bits a byte, floats of 16 or 32 bits.
// Private to this folder.
#pragma once

#include <string>
#include <string_view>

#include "atlas/atlas_builder.h"
#include "atlas/feature_page.h"

namespace cajal {

/// Everything but id, fires, largest and label. Floats of examples keep 8 bits of their mantissa.
std::string bytes_of(const FeaturePage& page);
/// Throws CorruptData naming `where` if the bytes are not of this kind.
void read_page(std::string_view bytes, std::string_view where, FeaturePage& page);

std::string bytes_of(const AtlasSequence& sequence);
AtlasSequence read_sequence(std::string_view bytes, std::string_view where);

}  // namespace cajal
