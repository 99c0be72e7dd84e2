// GGUF, versions 2 and 3, little endian: metadata, vocabulary and tensors in one file.
//
// The file is mapped; metadata are views of its bytes, so that a vocabulary of 250 000 pieces costs
// nothing until it is asked for. Quantised tensors are decoded on demand.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/file.h"
#include "io/tensor.h"

namespace cajal {

enum class GgufKind : std::uint8_t {  // numbers as in the file
  U8,
  I8,
  U16,
  I16,
  U32,
  I32,
  F32,
  Bool,
  String,
  Array,  // never the kind of a GgufValue: see is_array
  U64,
  I64,
  F64,
};

std::string_view name_of(GgufKind kind) noexcept;

/// One metadata entry: a single value, or an array of them.
struct GgufValue {
  std::string_view key;
  GgufKind kind;
  bool is_array;
  std::size_t count;                 // 1 unless an array
  std::span<const std::byte> bytes;  // the values; strings with their lengths before them
};

/// One file, or all parts of a split one. Immutable: any number of threads may read.
class Gguf {
 public:
  /// For a file split by gguf-split give the first part; the others are found beside it. Throws
  /// NotFound, CorruptData or Unsupported (version, byte order, unknown tensor type), naming file,
  /// field or tensor, and offset.
  static std::shared_ptr<const Gguf> open(const std::filesystem::path& path);
  /// A file in memory. `owner` is kept as long as the object; without it the bytes must outlive it.
  static std::shared_ptr<const Gguf> parse(std::span<const std::byte> bytes, std::string name,
                                           std::shared_ptr<const void> owner = nullptr);

  std::uint32_t version() const noexcept { return version_; }
  /// The path, or what the bytes were called.
  const std::string& name() const noexcept { return *name_; }

  /// In the order of the file.
  std::span<const GgufValue> metadata() const noexcept { return metadata_; }
  /// nullptr if there is none.
  const GgufValue* find_value(std::string_view key) const;

  // nullopt if there is no such key; CorruptData, naming the key, if it is of another kind. Any
  // integer kind is an integer, any number a float; a single number counts as an array of one.
  // Views are of the file's bytes and need not be valid UTF-8.
  std::optional<std::int64_t> find_int(std::string_view key) const;
  std::optional<double> find_float(std::string_view key) const;
  std::optional<bool> find_bool(std::string_view key) const;
  std::optional<std::string_view> find_string(std::string_view key) const;
  std::optional<std::vector<std::int64_t>> find_ints(std::string_view key) const;
  std::optional<std::vector<double>> find_floats(std::string_view key) const;
  std::optional<std::vector<std::string_view>> find_strings(std::string_view key) const;

  // The same for what must be there: CorruptData, naming the key, if it is not.
  std::int64_t int_at(std::string_view key) const;
  double float_at(std::string_view key) const;
  std::string_view string_at(std::string_view key) const;

  /// In the order of the file, parts one after the other. Shapes are row-major (GGUF's dimensions
  /// reversed), so that as_matrix gives [outputs, inputs] for F32, F16 and BF16 ones.
  std::span<const StoredTensor> tensors() const noexcept { return tensors_; }
  /// nullptr if there is none.
  const StoredTensor* find(std::string_view name) const;
  /// Throws NotFound naming the file.
  const StoredTensor& at(std::string_view name) const;

 private:
  Gguf() = default;
  void join_parts(const std::filesystem::path& first, std::size_t count);
  void index_tensors();

  std::shared_ptr<const std::string> name_;  // StoredTensor::file points to it
  std::uint32_t version_ = 0;
  std::vector<GgufValue> metadata_;
  std::unordered_map<std::string_view, std::size_t> by_key_;
  std::vector<StoredTensor> tensors_;
  std::unordered_map<std::string_view, std::size_t> by_name_;
  std::vector<Buffer> owned_;
  std::vector<std::shared_ptr<const void>> owners_;
};

/// A tensor of a GGUF file as F32, shaped as by as_matrix; block types are decoded. Throws
/// Unsupported, naming file, tensor and type, where the type is not known here.
Matrix decode(const StoredTensor& tensor);

}  // namespace cajal
