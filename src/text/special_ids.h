// The ids that begin and end a text, as a model's files give them.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "text/token.h"
#include "text/tokenizer.h"

namespace cajal {

struct SpecialIds {
  std::optional<TokenId> bos;
  std::vector<TokenId> stop;       // generation ends on any of them; ascending, no duplicates
  std::vector<std::string> notes;  // one sentence for each value that was ignored
};

/// From a Hugging Face folder: eos_token_id (a number or a list) of generation_config.json and
/// config.json (also under "text_config"), and eos_token of tokenizer_config.json; from a GGUF
/// file its eos, eot and eom keys. `tokenizer` may be null. Ids outside 0..vocab_size-1 are left
/// out with a note. Throws CorruptData if one of the files is not JSON, or a value no id.
SpecialIds read_special_ids(const std::filesystem::path& folder_or_gguf, const Tokenizer* tokenizer,
                            std::size_t vocab_size);

}  // namespace cajal
