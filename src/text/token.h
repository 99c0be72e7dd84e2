// What a token is to everything above the tokenizer: a number.
#pragma once

#include <cstdint>

namespace cajal {

using TokenId = std::int32_t;

}  // namespace cajal
