// YAML as a Json value. The one place that knows the YAML library is yaml.cc.
//
// Plain scalars mean what the core schema of YAML 1.2 says: null, true, 12, 0x1F, 0o17, 1e-3, .inf;
// "yes" and "off" are text. Keys are text as written.
#pragma once

#include <filesystem>
#include <string_view>

#include "io/json.h"

namespace cajal {

/// Throws CorruptData with line and column, prefixed by `where`, and Unsupported for tags of types
/// that JSON lacks, keys that are no scalars, merge keys and further documents. Refuses more than
/// 200 levels, keys that occur twice, and aliases that multiply the text more than 16 times.
Json parse_yaml(std::string_view text, std::string_view where);

/// Throws ResourceExhausted for files of more than 16 MiB.
Json load_yaml(const std::filesystem::path& path);

}  // namespace cajal
