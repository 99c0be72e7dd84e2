// From the data a recipe names to documents of token ids, with the tokenizer they are cut by.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "corpus/mixture.h"
#include "corpus/world/world.h"
#include "service/recipe.h"
#include "text/tokenizer.h"

namespace cajal {

struct GrowData {
  Json tokenizer_json;
  std::shared_ptr<const Tokenizer> tokenizer;
  TokenId bos = 0;
  TokenId eos = 0;
  TokenId pad = 0;
  std::shared_ptr<const World> world;  // nullptr: the recipe uses none
  std::vector<const Task*> tasks;      // of the world that it uses
  std::vector<MixturePart> parts;
  std::vector<std::shared_ptr<const TokenSource>> heldout;
  Json fingerprint;  // of what was read, to tell data that changed
};

/// Reads files, trains or reads the tokenizer, tokenizes. Throws NotFound or InvalidArgument naming
/// the file, and what the tokenizer's training throws.
GrowData prepare_data(const Recipe& recipe);

}  // namespace cajal
