// Names for the ids of a model that comes without a tokenizer (--vocab FILE).
#pragma once

#include <filesystem>
#include <memory>
#include <span>

#include "text/tokenizer.h"

namespace cajal {

/// A tokenizer that can only decode: names joined by single spaces, those of `special` left out by
/// SkipSpecial::Yes. The file is a JSON list of names, a map of names to ids or of ids to names, or
/// an object that holds such a map; an id from `vocab_size` on is an error. Its encode() throws
/// Unsupported. Throws NotFound or CorruptData, naming file and entry.
std::shared_ptr<const Tokenizer> load_names(const std::filesystem::path& file,
                                            std::size_t vocab_size,
                                            std::span<const TokenId> special);

}  // namespace cajal
