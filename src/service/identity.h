// Names for a model's and a tokenizer's content, so that a result says what it was computed from
// however that was called. The same bytes give the same 32 digits in any folder (io/hash.h).
#pragma once

#include <filesystem>
#include <string>

namespace cajal {

/// Of a folder: config.json and generation_config.json byte for byte where they are there, and all
/// tensors, which large models have sampled (add_tensors); how they are cut into files does not
/// matter. Of a GGUF file: its metadata but for keys that begin with "tokenizer.", and its tensors.
/// Opens the files again, milliseconds. Throws what that throws.
std::string model_hash(const std::filesystem::path& model);

/// Of the file in the folder that tokenizers are loaded from, and of tokenizer_config.json,
/// special_tokens_map.json, chat_template.jinja and chat_template.json where they are there, with
/// their names; a tokenizer's file stands for its folder. Of a GGUF file: the metadata whose keys
/// begin with "tokenizer.". Throws what opening the files throws.
std::string tokenizer_hash(const std::filesystem::path& model);

}  // namespace cajal
