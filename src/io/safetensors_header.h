// The JSON header of a safetensors file: read without building a tree, checked against the file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "io/tensor.h"

namespace cajal {

/// One element type of the format.
struct SafetensorsType {
  std::string_view name;
  unsigned bits;  // of one element
  std::optional<DType> dtype;
};

/// nullptr for a name the format does not know.
const SafetensorsType* find_safetensors_type(std::string_view name) noexcept;

/// What the header says about one tensor; name, type, dtype and shape of `tensor` are set.
struct SafetensorsEntry {
  StoredTensor tensor;
  unsigned bits = 0;
  std::uint64_t begin = 0;  // from the start of the data
  std::uint64_t end = 0;
};

struct SafetensorsHeader {
  std::vector<SafetensorsEntry> entries;
  std::vector<std::pair<std::string, std::string>> metadata;
};

/// Throws CorruptData, or Unsupported for a type the format does not know, naming the tensor.
/// Names that occur twice are left to the caller, who needs an index of the names anyway.
SafetensorsHeader parse_safetensors_header(std::string_view text, std::string_view file);

/// Sorts by offset. Throws CorruptData unless each tensor has the size of its shape and all of
/// them cover the data, which are [data_start, file_size), without holes or overlaps.
void check_layout(std::vector<SafetensorsEntry>& entries, std::size_t data_start,
                  std::size_t file_size, std::string_view file);

}  // namespace cajal
