// Reads tokenizer.json (Hugging Face tokenizers).
#pragma once

#include <memory>
#include <string_view>

#include "io/json.h"
#include "text/tokenizer.h"

namespace cajal {

/// `where` is the file's name for errors, `bytes` its size, which bounds what is set aside. Throws
/// CorruptData naming the field, Unsupported naming a component that is not known.
std::shared_ptr<const Tokenizer> read_tokenizer_json(const Json& json, std::string_view where,
                                                     std::size_t bytes);

}  // namespace cajal
