// What features say: the tokens whose logits their decoder rows raise and lower, through the
// model's own final norm and unembedding.
#pragma once

#include <vector>

#include "atlas/feature_page.h"
#include "dictionary/dictionary.h"
#include "model/model.h"

namespace cajal {

struct LogitEffects {
  std::vector<TokenEffect> promoted;    // most first
  std::vector<TokenEffect> suppressed;  // most first
};

/// By feature of layers()[site]: the `top` tokens each way. What a feature of a CLT writes to all
/// layers is summed. The norm scales each row to its usual length, so logits of different features
/// compare in kind, not in size; they are less what an empty residual stream gives, and less their
/// mean. Empty where what the layer writes has not the model's width.
std::vector<LogitEffects> logit_effects(Backend& backend, const Model& model,
                                        const Dictionary& dictionary, std::size_t site,
                                        std::size_t top, Precision precision);

}  // namespace cajal
