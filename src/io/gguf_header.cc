#include "io/gguf_header.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/error.h"

namespace cajal {
namespace {

constexpr std::size_t kMaxAxes = 4;
constexpr std::uint64_t kDefaultAlignment = 32;
// The shortest entry that can follow a count, so that a count is checked before anything is stored.
constexpr std::size_t kShortestValue = 8 + 4 + 1;
constexpr std::size_t kShortestTensor = 8 + 4 + 4 + 8;

/// Reads forward; every read is checked against the end.
class Cursor {
 public:
  Cursor(std::span<const std::byte> bytes, const std::string& file) : bytes_(bytes), file_(file) {}

  std::size_t position() const noexcept { return position_; }
  std::size_t left() const noexcept { return bytes_.size() - position_; }

  std::span<const std::byte> take(std::uint64_t count, std::string_view what) {
    if (count > left()) {
      fail(ErrorCode::CorruptData,
           "{}: {} at offset {} needs {} bytes, but only {} follow; the file is cut off or damaged",
           file_, what, position_, count, left());
    }
    position_ += static_cast<std::size_t>(count);
    return bytes_.subspan(position_ - static_cast<std::size_t>(count),
                          static_cast<std::size_t>(count));
  }
  template <typename T>
  T number(std::string_view what) {
    T out{};
    std::memcpy(&out, take(sizeof out, what).data(), sizeof out);
    return out;
  }
  std::string_view string(std::string_view what) {
    const auto length = number<std::uint64_t>(what);
    const auto text = take(length, what);
    return {reinterpret_cast<const char*>(text.data()), text.size()};
  }
  /// A count of entries that each take at least `shortest` bytes.
  std::size_t count(std::size_t shortest, std::string_view what) {
    const std::size_t at = position_;
    const auto n = number<std::uint64_t>(what);
    check_count(n, shortest, what, at);
    return static_cast<std::size_t>(n);
  }
  void check_count(std::uint64_t n, std::size_t shortest, std::string_view what,
                   std::size_t at) const {
    if (n > left() / shortest) {
      fail(ErrorCode::CorruptData,
           "{}: {} at offset {} is {}, but the {} bytes that follow cannot hold that many", file_,
           what, at, n, left());
    }
  }

 private:
  std::span<const std::byte> bytes_;
  std::size_t position_ = 0;
  const std::string& file_;
};

std::uint32_t read_version(Cursor& in, const std::string& file) {
  const auto magic = in.take(4, "the magic number");
  if (std::memcmp(magic.data(), "GGUF", 4) != 0) {
    fail(ErrorCode::CorruptData, "{}: does not start with 'GGUF'; this is no GGUF file", file);
  }
  const auto version = in.number<std::uint32_t>("the version");
  if (version != 0 && (version & 0xFFFFU) == 0) {
    fail(ErrorCode::Unsupported,
         "{}: is a big-endian GGUF file; only little-endian ones can be read", file);
  }
  if (version != 2 && version != 3) {
    fail(ErrorCode::Unsupported,
         "{}: has GGUF version {} at offset 4; versions 2 and 3 can be read", file, version);
  }
  return version;
}

GgufKind read_kind(Cursor& in, std::string_view key, const std::string& file) {
  const std::size_t at = in.position();
  const auto kind = in.number<std::uint32_t>("the kind of a metadata value");
  if (kind > static_cast<std::uint32_t>(GgufKind::F64)) {
    fail(ErrorCode::CorruptData, "{}: metadata '{}': {} at offset {} is no kind of value", file,
         printable(key), kind, at);
  }
  return static_cast<GgufKind>(kind);
}

/// Passes over `value.count` values, so that they can be read without checks from now on.
void pass_values(Cursor& in, GgufValue& value, std::span<const std::byte> bytes,
                 std::string_view what) {
  const std::size_t begin = in.position();
  if (value.kind == GgufKind::String) {
    for (std::size_t i = 0; i < value.count; ++i) {
      in.string(what);
    }
  } else {
    in.take(value.count * size_of(value.kind), what);
  }
  value.bytes = bytes.subspan(begin, in.position() - begin);
}

GgufValue read_value(Cursor& in, std::span<const std::byte> bytes, const std::string& file) {
  GgufValue value{in.string("the key of a metadata entry"), GgufKind::U8, false, 1, {}};
  const std::string what = fmt::format("metadata '{}'", printable(value.key));
  value.kind = read_kind(in, value.key, file);
  if (value.kind == GgufKind::Array) {
    value.is_array = true;
    value.kind = read_kind(in, value.key, file);
    if (value.kind == GgufKind::Array) {
      fail(ErrorCode::Unsupported, "{}: {} at offset {} is an array of arrays", file, what,
           in.position());
    }
    value.count = in.count(std::max<std::size_t>(1, size_of(value.kind)), what);
  }
  pass_values(in, value, bytes, what);
  return value;
}

void read_shape(Cursor& in, StoredTensor& tensor, const std::string& file) {
  const std::size_t at = in.position();
  const auto axes = in.number<std::uint32_t>("the number of axes of a tensor");
  if (axes > kMaxAxes) {
    fail(ErrorCode::CorruptData, "{}: tensor '{}': {} axes at offset {}; at most {} are possible",
         file, printable(tensor.name), axes, at, kMaxAxes);
  }
  for (std::uint32_t i = 0; i < axes; ++i) {
    tensor.shape.push_back(in.number<std::uint64_t>("the shape of a tensor"));
  }
  std::reverse(tensor.shape.begin(), tensor.shape.end());
}

std::uint64_t size_in_bytes(const StoredTensor& tensor, const GgmlType& type,
                            const std::string& file) {
  const auto count = count_elements(tensor.shape);
  const std::size_t row = tensor.shape.empty() ? 1 : tensor.shape.back();
  if (!count || *count / type.block > std::numeric_limits<std::uint64_t>::max() / type.bytes) {
    fail(ErrorCode::CorruptData, "{}: tensor '{}': the shape {} is impossibly large", file,
         printable(tensor.name), shape_text(tensor.shape));
  }
  if (row % type.block != 0) {
    fail(ErrorCode::CorruptData,
         "{}: tensor '{}': rows of {} elements cannot be cut into the blocks of {} that {} has",
         file, printable(tensor.name), row, type.block, type.name);
  }
  return *count / type.block * type.bytes;
}

GgufTensorInfo read_tensor_info(Cursor& in, const std::string& file) {
  GgufTensorInfo info;
  info.tensor.name = in.string("the name of a tensor");
  read_shape(in, info.tensor, file);
  const std::size_t at = in.position();
  const auto id = in.number<std::uint32_t>("the type of a tensor");
  const GgmlType* type = find_ggml_type(id);
  if (type == nullptr) {
    fail(ErrorCode::Unsupported,
         "{}: tensor '{}': the type {} at offset {} is not known to this version", file,
         printable(info.tensor.name), id, at);
  }
  info.tensor.type = type->name;
  info.tensor.dtype = type->dtype;
  info.size = size_in_bytes(info.tensor, *type, file);
  info.offset = in.number<std::uint64_t>("the offset of a tensor");
  return info;
}

std::uint64_t read_alignment(const GgufHeader& header, const std::string& file) {
  const auto it = std::find_if(header.metadata.begin(), header.metadata.end(),
                               [](const auto& value) { return value.key == "general.alignment"; });
  if (it == header.metadata.end()) {
    return kDefaultAlignment;
  }
  std::uint32_t alignment = 0;
  if (it->kind == GgufKind::U32 && !it->is_array) {
    std::memcpy(&alignment, it->bytes.data(), sizeof alignment);
  }
  if (!std::has_single_bit(alignment)) {
    fail(ErrorCode::CorruptData,
         "{}: metadata 'general.alignment' must be a power of two of the kind U32", file);
  }
  return alignment;
}

/// Offsets aligned, inside the file, and no two tensors over each other.
void check_offsets(const GgufHeader& header, std::uint64_t alignment, std::size_t file_size,
                   const std::string& file) {
  std::vector<const GgufTensorInfo*> sorted;
  for (const GgufTensorInfo& info : header.tensors) {
    const std::size_t room = file_size < header.data_start ? 0 : file_size - header.data_start;
    if (info.offset % alignment != 0 || info.offset > room || info.size > room - info.offset) {
      fail(ErrorCode::CorruptData,
           "{}: tensor '{}': {} bytes at data offset {} (alignment {}) do not fit the {} bytes of "
           "data; the file is cut off or damaged",
           file, printable(info.tensor.name), info.size, info.offset, alignment, room);
    }
    sorted.push_back(&info);
  }
  std::sort(sorted.begin(), sorted.end(), [](const auto* a, const auto* b) {
    return std::pair(a->offset, a->size) < std::pair(b->offset, b->size);
  });
  for (std::size_t i = 1; i < sorted.size(); ++i) {
    if (sorted[i]->offset < sorted[i - 1]->offset + sorted[i - 1]->size) {
      fail(ErrorCode::CorruptData, "{}: tensor '{}' at data offset {} overlaps tensor '{}'", file,
           printable(sorted[i]->tensor.name), sorted[i]->offset,
           printable(sorted[i - 1]->tensor.name));
    }
  }
}

}  // namespace

std::size_t size_of(GgufKind kind) noexcept {
  constexpr std::size_t kSizes[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
  return kSizes[static_cast<std::size_t>(kind)];
}

std::vector<std::string_view> read_strings(const GgufValue& value) {
  std::vector<std::string_view> out;
  out.reserve(value.count);
  const char* p = reinterpret_cast<const char*>(value.bytes.data());
  for (std::size_t i = 0; i < value.count; ++i) {
    std::uint64_t length = 0;
    std::memcpy(&length, p, sizeof length);
    out.emplace_back(p + sizeof length, length);
    p += sizeof length + length;
  }
  return out;
}

GgufHeader parse_gguf_header(std::span<const std::byte> bytes, const std::string& file) {
  Cursor in(bytes, file);
  GgufHeader header;
  header.version = read_version(in, file);
  const std::size_t tensors = in.count(kShortestTensor, "the number of tensors");
  const std::size_t values = in.count(kShortestValue, "the number of metadata entries");
  for (std::size_t i = 0; i < values; ++i) {
    header.metadata.push_back(read_value(in, bytes, file));
  }
  in.check_count(tensors, kShortestTensor, "the number of tensors", 8);
  for (std::size_t i = 0; i < tensors; ++i) {
    header.tensors.push_back(read_tensor_info(in, file));
  }
  const std::uint64_t alignment = read_alignment(header, file);
  header.data_start = (in.position() + alignment - 1) / alignment * alignment;
  check_offsets(header, alignment, bytes.size(), file);
  return header;
}

}  // namespace cajal
