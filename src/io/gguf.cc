#include "io/gguf.h"

#include <cstring>
#include <limits>

#include "base/error.h"
#include "io/ggml_type.h"
#include "io/gguf_header.h"

namespace cajal {
namespace {

namespace fs = std::filesystem;

bool is_integer(GgufKind kind) {
  return kind != GgufKind::F32 && kind != GgufKind::F64 && kind != GgufKind::Bool &&
         kind != GgufKind::String;
}

bool is_number(GgufKind kind) {
  return is_integer(kind) || kind == GgufKind::F32 || kind == GgufKind::F64;
}

/// Calls visit(x) with each element of a value of numbers.
template <typename Number, typename Visit>
void for_each_as(const GgufValue& value, const Visit& visit) {
  for (std::size_t i = 0; i < value.count; ++i) {
    Number x{};
    std::memcpy(&x, value.bytes.data() + i * sizeof x, sizeof x);
    visit(x);
  }
}

template <typename Visit>
void for_each_number(const GgufValue& value, const Visit& visit) {
  switch (value.kind) {
    case GgufKind::U8:
      return for_each_as<std::uint8_t>(value, visit);
    case GgufKind::I8:
      return for_each_as<std::int8_t>(value, visit);
    case GgufKind::U16:
      return for_each_as<std::uint16_t>(value, visit);
    case GgufKind::I16:
      return for_each_as<std::int16_t>(value, visit);
    case GgufKind::U32:
      return for_each_as<std::uint32_t>(value, visit);
    case GgufKind::I32:
      return for_each_as<std::int32_t>(value, visit);
    case GgufKind::F32:
      return for_each_as<float>(value, visit);
    case GgufKind::U64:
      return for_each_as<std::uint64_t>(value, visit);
    case GgufKind::I64:
      return for_each_as<std::int64_t>(value, visit);
    case GgufKind::F64:
      return for_each_as<double>(value, visit);
    case GgufKind::Bool:
    case GgufKind::String:
    case GgufKind::Array:
      return;
  }
}

/// Throws unless the value is as `wanted` says.
void check_kind(bool is_so, const GgufValue& value, std::string_view wanted,
                const std::string& file) {
  if (!is_so) {
    fail(ErrorCode::CorruptData, "{}: metadata '{}' must be {}, but is {}{}", file,
         printable(value.key), wanted, value.is_array ? "an array of " : "of the kind ",
         name_of(value.kind));
  }
}

std::vector<std::int64_t> read_ints(const GgufValue& value, const std::string& file) {
  check_kind(is_integer(value.kind), value, "integers", file);
  std::vector<std::int64_t> out;
  out.reserve(value.count);
  for_each_number(value, [&]<typename T>(T x) {
    if constexpr (std::is_same_v<T, std::uint64_t>) {
      check_kind(x <= std::uint64_t{std::numeric_limits<std::int64_t>::max()}, value, "below 2^63",
                 file);
    }
    out.push_back(static_cast<std::int64_t>(x));
  });
  return out;
}

std::vector<double> read_floats(const GgufValue& value, const std::string& file) {
  check_kind(is_number(value.kind), value, "numbers", file);
  std::vector<double> out;
  out.reserve(value.count);
  for_each_number(value, [&](auto x) { out.push_back(static_cast<double>(x)); });
  return out;
}

template <typename T>
T present(const std::optional<T>& x, std::string_view key, const std::string& file) {
  if (!x) {
    fail(ErrorCode::CorruptData, "{}: metadata '{}' is missing", file, key);
  }
  return *x;
}

std::string part_ending(std::size_t part, std::size_t count) {
  return fmt::format("-{:05}-of-{:05}.gguf", part, count);
}

}  // namespace

std::string_view name_of(GgufKind kind) noexcept {
  constexpr std::string_view kNames[] = {"U8",   "I8",     "U16",   "I16", "U32", "I32", "F32",
                                         "BOOL", "STRING", "ARRAY", "U64", "I64", "F64"};
  return kNames[static_cast<std::size_t>(kind)];
}

std::shared_ptr<const Gguf> Gguf::open(const fs::path& path) {
  auto file = MappedFile::open(path);
  const auto bytes = file->bytes();
  auto first = parse(bytes, path.string(), std::move(file));
  const std::int64_t parts = first->find_int("split.count").value_or(1);
  if (parts <= 1) {
    return first;
  }
  const std::shared_ptr<Gguf> out(new Gguf);
  out->name_ = first->name_;
  out->version_ = first->version_;
  out->metadata_ = first->metadata_;
  out->by_key_ = first->by_key_;
  out->tensors_ = first->tensors_;
  out->owners_.push_back(first);
  out->join_parts(path, static_cast<std::size_t>(parts));
  return out;
}

std::shared_ptr<const Gguf> Gguf::parse(std::span<const std::byte> bytes, std::string name,
                                        std::shared_ptr<const void> owner) {
  const std::shared_ptr<Gguf> out(new Gguf);
  out->name_ = std::make_shared<const std::string>(std::move(name));
  out->owners_.push_back(std::move(owner));
  const std::string& file = *out->name_;
  GgufHeader header = parse_gguf_header(bytes, file);
  out->version_ = header.version;
  out->metadata_ = std::move(header.metadata);
  for (std::size_t i = 0; i < out->metadata_.size(); ++i) {
    if (!out->by_key_.emplace(out->metadata_[i].key, i).second) {
      fail(ErrorCode::CorruptData, "{}: metadata '{}' is there twice", file,
           printable(out->metadata_[i].key));
    }
  }
  for (GgufTensorInfo& info : header.tensors) {
    StoredTensor& tensor = out->tensors_.emplace_back(std::move(info.tensor));
    tensor.file = file;
    tensor.bytes = info.size == 0 ? std::span<const std::byte>()
                                  : bytes.subspan(header.data_start + info.offset, info.size);
  }
  out->index_tensors();
  for (StoredTensor& tensor : out->tensors_) {
    make_viewable(tensor, out->owned_);
  }
  return out;
}

void Gguf::join_parts(const fs::path& first, std::size_t count) {
  const std::string path = first.string();
  const std::string ending = part_ending(1, count);
  if (!path.ends_with(ending)) {
    fail(ErrorCode::InvalidArgument,
         "{}: is one of {} parts of a split file; give the path of the first, which must end in "
         "'{}', with the others beside it",
         path, count, ending);
  }
  const std::string stem = path.substr(0, path.size() - ending.size());
  for (std::size_t i = 2; i <= count; ++i) {
    const fs::path next = stem + part_ending(i, count);
    auto file = MappedFile::open(next);
    const auto bytes = file->bytes();
    const auto part = parse(bytes, next.string(), std::move(file));
    if (part->find_int("split.no") != static_cast<std::int64_t>(i - 1)) {
      fail(ErrorCode::CorruptData, "{}: metadata 'split.no' must be {}, as the file's name says",
           next.string(), i - 1);
    }
    tensors_.insert(tensors_.end(), part->tensors_.begin(), part->tensors_.end());
    owners_.push_back(part);
  }
  const auto total = find_int("split.tensors.count");
  if (total && *total != static_cast<std::int64_t>(tensors_.size())) {
    fail(ErrorCode::CorruptData,
         "{}: its {} parts have {} tensors, but 'split.tensors.count' is {}", path, count,
         tensors_.size(), *total);
  }
  index_tensors();
}

void Gguf::index_tensors() {
  by_name_.reserve(tensors_.size());
  for (std::size_t i = 0; i < tensors_.size(); ++i) {
    if (!by_name_.emplace(tensors_[i].name, i).second) {
      fail(ErrorCode::CorruptData, "{}: has two tensors named '{}'", *name_,
           printable(tensors_[i].name));
    }
  }
}

const GgufValue* Gguf::find_value(std::string_view key) const {
  const auto it = by_key_.find(key);
  return it == by_key_.end() ? nullptr : &metadata_[it->second];
}

std::optional<std::int64_t> Gguf::find_int(std::string_view key) const {
  const GgufValue* value = find_value(key);
  if (value == nullptr) {
    return std::nullopt;
  }
  check_kind(!value->is_array, *value, "an integer", *name_);
  return read_ints(*value, *name_).front();
}

std::optional<double> Gguf::find_float(std::string_view key) const {
  const GgufValue* value = find_value(key);
  if (value == nullptr) {
    return std::nullopt;
  }
  check_kind(!value->is_array, *value, "a number", *name_);
  return read_floats(*value, *name_).front();
}

std::optional<bool> Gguf::find_bool(std::string_view key) const {
  const GgufValue* value = find_value(key);
  if (value == nullptr) {
    return std::nullopt;
  }
  check_kind(!value->is_array && value->kind == GgufKind::Bool, *value, "BOOL", *name_);
  return value->bytes[0] != std::byte{0};
}

std::optional<std::string_view> Gguf::find_string(std::string_view key) const {
  const GgufValue* value = find_value(key);
  if (value == nullptr) {
    return std::nullopt;
  }
  check_kind(!value->is_array && value->kind == GgufKind::String, *value, "STRING", *name_);
  return read_strings(*value).front();
}

std::optional<std::vector<std::int64_t>> Gguf::find_ints(std::string_view key) const {
  const GgufValue* value = find_value(key);
  if (value == nullptr) {
    return std::nullopt;
  }
  return read_ints(*value, *name_);
}

std::optional<std::vector<double>> Gguf::find_floats(std::string_view key) const {
  const GgufValue* value = find_value(key);
  if (value == nullptr) {
    return std::nullopt;
  }
  return read_floats(*value, *name_);
}

std::optional<std::vector<std::string_view>> Gguf::find_strings(std::string_view key) const {
  const GgufValue* value = find_value(key);
  if (value == nullptr) {
    return std::nullopt;
  }
  check_kind(value->is_array && (value->kind == GgufKind::String || value->count == 0), *value,
             "an array of STRING", *name_);
  return value->count == 0 ? std::vector<std::string_view>() : read_strings(*value);
}

std::int64_t Gguf::int_at(std::string_view key) const {
  return present(find_int(key), key, *name_);
}

double Gguf::float_at(std::string_view key) const {
  return present(find_float(key), key, *name_);
}

std::string_view Gguf::string_at(std::string_view key) const {
  return present(find_string(key), key, *name_);
}

const StoredTensor* Gguf::find(std::string_view name) const {
  const auto it = by_name_.find(name);
  return it == by_name_.end() ? nullptr : &tensors_[it->second];
}

const StoredTensor& Gguf::at(std::string_view name) const {
  const StoredTensor* tensor = find(name);
  if (tensor == nullptr) {
    fail(ErrorCode::NotFound, "{}: has no tensor '{}'", *name_, printable(name));
  }
  return *tensor;
}

Matrix decode(const StoredTensor& tensor) {
  if (tensor.dtype) {
    const ConstMatRef stored = as_matrix(tensor);
    Matrix out = Matrix::host(stored.rows, stored.cols, DType::F32);
    convert(stored, out.ref());
    return out;
  }
  const GgmlType* type = find_ggml_type(tensor.type);
  if (type == nullptr || !can_decode(*type)) {
    fail(ErrorCode::Unsupported,
         "{}: tensor '{}' has the type {}, which cannot be decoded here; convert the model to "
         "Q8_0, Q4_K, Q5_K, Q6_K or a float type",
         tensor.file, printable(tensor.name), tensor.type);
  }
  const std::size_t count = tensor.bytes.size() / type->bytes * type->block;
  const auto [rows, cols] = matrix_shape(tensor);
  Matrix out = Matrix::host(rows, cols, DType::F32);
  decode_blocks(*type, tensor.bytes, {out.as<float>().data, count});
  return out;
}

}  // namespace cajal
