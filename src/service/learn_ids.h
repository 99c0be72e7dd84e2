// What a dictionary of a model without tokenizer is learned on: prompts of token ids, each followed
// by the model's own greedy answer.
#pragma once

#include <stop_token>

#include "service/grow_data.h"
#include "service/learn_recipe.h"
#include "service/session.h"

namespace cajal {

/// Prompts and answers of every entry of the recipe's data. A prompt is held out if it lies in the
/// last `heldout` of place_in_split(); held-out ones come in the order of their places, so that
/// those at the end, which thresholds never see, are left for others to ask. The end of an answer
/// is no data. `tokenizer` of the result is nullptr. Throws InvalidArgument for texts beside ids,
/// ids that the model lacks, and a model that says no end; Cancelled.
GrowData prepare_ids(const LearnRecipe& recipe, const Session& session,
                     const std::stop_token& stop);

}  // namespace cajal
