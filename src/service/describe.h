// Models, tokenizers and files of tensors as JSON, for `inspect`. Private to this folder.
#pragma once

#include <filesystem>
#include <span>

#include "io/gguf.h"
#include "io/json.h"
#include "io/tensor.h"
#include "model/model.h"
#include "text/special_ids.h"
#include "text/tokenizer.h"

namespace cajal {

/// Family, sizes, type, what is special, and how attention differs from layer to layer.
Json describe_model(const Model& model);

Json describe_tokenizer(const Tokenizer& tokenizer, const SpecialIds& special);

/// [{"name", "type", "shape"}]
Json describe_tensors(std::span<const StoredTensor> tensors);

/// {key: value}; of an array its first entries and how many there are.
Json describe_metadata(const Gguf& file);

}  // namespace cajal
