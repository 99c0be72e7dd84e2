// The part of Python's pickle that torch writes files of tensors with. Nothing is executed: what a
// pickle may name and call is a list of a few things that make up data, and all else is refused.
// Private to this folder.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tensor/dtype.h"

namespace cajal {

/// A value, or a thing only pickles have. Others are referred to by their place in Pickle::nodes,
/// since a pickle may use a value in several places, or within itself.
struct PickleNode {
  enum class Kind : std::uint8_t {
    None,
    Bool,
    Int,
    Float,
    Text,
    List,
    Tuple,
    Dict,     // items: key, value, key, value, ...
    Global,   // one of the names that are allowed; text: "torch FloatStorage"
    Storage,  // text: its key; integer: how many elements; dtype: of which type
    Tensor,   // items: its storage; integer: offset; sizes: the shape, then as many strides
  };
  Kind kind = Kind::None;
  DType dtype = DType::F32;
  std::int64_t integer = 0;
  double number = 0.0;
  std::string text = {};
  std::vector<std::size_t> items = {};
  std::vector<std::int64_t> sizes = {};
};

struct Pickle {
  std::vector<PickleNode> nodes;
  std::size_t root = 0;

  const PickleNode& at(std::size_t i) const { return nodes[i]; }
};

/// Throws CorruptData or Unsupported naming `where` and the offset: for what pickles of tensors do
/// not need, what does not fit together, tensors of more than 16 axes, and ResourceExhausted for
/// more than a million values.
Pickle read_pickle(std::span<const std::byte> bytes, const std::string& where);

}  // namespace cajal
