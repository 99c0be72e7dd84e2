// What a GGUF file's metadata say of its model, architecture by architecture.
#pragma once

#include <memory>

#include "io/gguf.h"
#include "model/families/family.h"

namespace cajal {

struct GgufModel {
  ModelConfig config;
  TensorNames names;
  bool permuted_qk = false;  // rows of q and k are in the order for neighbouring pairs
};

/// Throws CorruptData naming the key, or Unsupported listing the architectures that are.
GgufModel read_gguf_model(const Gguf& file);

}  // namespace cajal
