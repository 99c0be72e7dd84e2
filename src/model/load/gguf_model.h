// Models in GGUF files.
#pragma once

#include <filesystem>
#include <memory>

#include "model/model.h"

namespace cajal {

/// Throws NotFound, CorruptData, or Unsupported naming the architecture and listing those that are.
std::shared_ptr<const Model> load_gguf(const std::filesystem::path& path);

}  // namespace cajal
