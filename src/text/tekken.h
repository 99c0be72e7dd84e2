// Reads tekken.json, Mistral's own form of its byte-level vocabulary: tokens by rank, no merges.
#pragma once

#include <memory>
#include <string_view>

#include "io/json.h"
#include "text/tokenizer.h"

namespace cajal {

bool is_tekken(const Json& json) noexcept;
/// Throws CorruptData naming `where` and the field.
std::shared_ptr<const Tokenizer> read_tekken(const Json& json, std::string_view where);

}  // namespace cajal
