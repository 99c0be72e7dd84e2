// From a recipe to what learning takes: points and shapes of the model, data, and the numbers of
// the recipe that stand for "as usual". Private to this folder.
#pragma once

#include <stop_token>

#include "service/learn_recipe.h"
#include "service/session.h"
#include "train/dictionary/learn.h"

namespace cajal {

/// Reads the data and runs the model on one token. Throws InvalidArgument for what does not fit the
/// model, Unsupported for a precision that the machine lacks, Cancelled, and what reading throws.
LearnOptions learn_options(const LearnRecipe& recipe, const Session& session,
                           const std::stop_token& stop);

}  // namespace cajal
