// Where a model's tensors come from: safetensors or GGUF, seen alike.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/weights.h"
#include "tensor/matrix.h"

namespace cajal {

struct SourceTensor {
  ConstMatRef matrix;              // [product of all axes but the last, last]
  std::vector<std::size_t> shape;  // as stored
};

class TensorSource {
 public:
  virtual ~TensorSource() = default;
  /// nullopt if there is none. Throws Unsupported if its type cannot be used. Views stay valid as
  /// long as what keep_alive() gave.
  virtual std::optional<SourceTensor> find(std::string_view name) = 0;
  /// For messages: the path of the file.
  virtual std::string where() const = 0;
  /// Hands over what keeps all views valid that find() gave, and what it had to decode.
  virtual void keep_alive(Weights& weights) = 0;
};

/// A .safetensors file or a folder with one or several.
std::unique_ptr<TensorSource> open_safetensors_source(const std::filesystem::path& folder);

}  // namespace cajal
