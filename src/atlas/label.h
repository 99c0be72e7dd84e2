// A name for a feature, made from where it fires and what it does.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>

#include "atlas/atlas_builder.h"
#include "atlas/feature_page.h"

namespace cajal {

/// How a token is written in a label.
using PieceOf = std::function<std::string(TokenId)>;

/// `fires on " Texas"` if half of its peaks are on one token (or on three: `fires on " a", " an"`),
/// else `after "capital of"` if the two tokens before are the same at half of them, else
/// `says " Austin"` if it raises one token well above the next; else none. `score` is the share of
/// the peaks, or by how much it is above.
FeatureLabel label_of(const PeakTokens& peaks, std::span<const TokenEffect> promoted,
                      const PieceOf& piece);

}  // namespace cajal
