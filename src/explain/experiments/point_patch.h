// What a model does when the residual stream itself is put in from a donor, without any dictionary:
// how much of a thing is there at all, at a layer and a place, that features could carry.
#pragma once

#include "explain/experiments/group_swap.h"

namespace cajal {

/// For every layer, how often cases succeed with resid_post of the donor at the places of
/// `setting`. Conditions are named "resid_post.3 from the donor, the last token". Throws Cancelled.
std::vector<Observation> try_patches(const Subject& subject, std::span<const SwapCase> cases,
                                     const SwapSetting& setting, const std::string& what,
                                     const std::stop_token& cancel);

}  // namespace cajal
