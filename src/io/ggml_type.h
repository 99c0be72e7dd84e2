// The element types of GGUF files and the decoding of their quantised blocks.
//
// A row is cut into blocks of 32 or 256 elements, each with its own scale. Decoding is exact: every
// element is the product (and difference) in float that the format defines, as the reference rounds
// it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "tensor/dtype.h"

namespace cajal {

struct GgmlType {
  std::uint32_t id;
  std::string_view name;
  std::size_t block;  // elements of one block
  std::size_t bytes;  // of one block
  std::optional<DType> dtype;
};

/// nullptr for an id that no known version of the format uses.
const GgmlType* find_ggml_type(std::uint32_t id) noexcept;
const GgmlType* find_ggml_type(std::string_view name) noexcept;

/// Whether decode_blocks knows the type.
bool can_decode(const GgmlType& type) noexcept;

/// Decodes whole blocks: blocks.size() / type.bytes * type.block elements, which must be
/// out.size(). On all threads; throws Unsupported where can_decode is false.
void decode_blocks(const GgmlType& type, std::span<const std::byte> blocks, std::span<float> out);

}  // namespace cajal
