// The part of a GGUF file before the tensors' bytes, read and checked against the file's size.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "io/ggml_type.h"
#include "io/gguf.h"

namespace cajal {

struct GgufTensorInfo {
  StoredTensor tensor;       // all but `file` and `bytes`
  std::uint64_t offset = 0;  // from the start of the data
  std::uint64_t size = 0;
};

struct GgufHeader {
  std::uint32_t version = 0;
  std::vector<GgufValue> metadata;
  std::vector<GgufTensorInfo> tensors;
  std::size_t data_start = 0;  // where the tensors' bytes begin; may lie past the end without any
};

/// Throws CorruptData or Unsupported, naming field or tensor and offset. Names and keys that occur
/// twice are left to the caller, who indexes them anyway.
GgufHeader parse_gguf_header(std::span<const std::byte> bytes, const std::string& file);

/// Bytes of one element; 0 for String and Array.
std::size_t size_of(GgufKind kind) noexcept;

/// Reads the strings of a checked value.
std::vector<std::string_view> read_strings(const GgufValue& value);

}  // namespace cajal
