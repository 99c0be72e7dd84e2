#include "io/safetensors_header.h"

#include <algorithm>
#include <iterator>
#include <tuple>

#include "base/error.h"
#include "io/json.h"

namespace cajal {
namespace {

// In the order of the reference implementation, which its writer sorts by.
constexpr SafetensorsType kSafetensorsTypes[] = {
    {"BOOL", 8, DType::Bool},
    {"F4", 4, std::nullopt},
    {"F6_E2M3", 6, std::nullopt},
    {"F6_E3M2", 6, std::nullopt},
    {"U8", 8, DType::U8},
    {"I8", 8, DType::I8},
    {"F8_E5M2", 8, std::nullopt},
    {"F8_E4M3", 8, std::nullopt},
    {"F8_E8M0", 8, std::nullopt},
    {"F8_E4M3FNUZ", 8, std::nullopt},
    {"F8_E5M2FNUZ", 8, std::nullopt},
    {"I16", 16, std::nullopt},
    {"U16", 16, std::nullopt},
    {"F16", 16, DType::F16},
    {"BF16", 16, DType::BF16},
    {"I32", 32, DType::I32},
    {"U32", 32, std::nullopt},
    {"F32", 32, DType::F32},
    {"C64", 64, std::nullopt},
    {"F64", 64, DType::F64},
    {"I64", 64, DType::I64},
    {"U64", 64, std::nullopt},
};

/// Takes the header's events apart. Depth 1 is the header, 2 one tensor or the metadata, 3 a list.
class SafetensorsHeaderReader final : public JsonEvents {
 public:
  explicit SafetensorsHeaderReader(std::string_view file) : file_(file) {}

  void key(std::string name) override {
    if (depth_ == 1) {
      in_metadata_ = name == "__metadata__";
      if (in_metadata_ && std::exchange(had_metadata_, true)) {
        fail(ErrorCode::CorruptData, "{}: the header has __metadata__ twice", file_);
      }
      name_ = std::move(name);
      field_.clear();
    } else if (depth_ == 2) {
      field_ = std::move(name);
    }
  }
  void scalar(Json value) override {
    if (in_metadata_ && depth_ == 2) {
      out_.metadata.emplace_back(field_, text(value));
    } else if (in_metadata_ && depth_ == 1 && value.is_null()) {
      return;
    } else if (depth_ == 2 && field_ == "dtype") {
      set_type(text(value));
    } else if (depth_ == 3 && list_ != nullptr) {
      list_->push_back(natural(value));
    } else if (depth_ < 2 || is_known_field()) {
      fail_form();
    }
  }
  void begin_object() override {
    if (++depth_ == 2 && !in_metadata_) {
      out_.entries.emplace_back().tensor.name = name_;
      has_type_ = has_shape_ = has_offsets_ = false;
    } else if (depth_ > 2 && (in_metadata_ || is_known_field())) {
      fail_form();
    }
  }
  void end_object() override {
    if (--depth_ == 1) {
      field_.clear();
      if (!in_metadata_ && !(has_type_ && has_shape_ && has_offsets_)) {
        fail(ErrorCode::CorruptData, "{}: lacks {}", where(),
             !has_type_    ? "dtype"
             : !has_shape_ ? "shape"
                           : "data_offsets");
      }
    }
  }
  void begin_array() override {
    ++depth_;
    if (depth_ <= 2 || in_metadata_) {
      fail_form();
    }
    if (depth_ == 3 && field_ == "shape") {
      open_list(has_shape_, out_.entries.back().tensor.shape);
    } else if (depth_ == 3 && field_ == "data_offsets") {
      open_list(has_offsets_, offsets_);
    } else if (is_known_field()) {
      fail_form();
    }
  }
  void end_array() override {
    if (--depth_ != 2 || list_ == nullptr) {
      return;
    }
    if (list_ == &offsets_) {
      if (offsets_.size() != 2) {
        fail(ErrorCode::CorruptData, "{}: must be 2 numbers, but has {}", where(), offsets_.size());
      }
      out_.entries.back().begin = offsets_[0];
      out_.entries.back().end = offsets_[1];
    }
    list_ = nullptr;
  }

  SafetensorsHeader take() { return std::move(out_); }

 private:
  bool is_known_field() const {
    return field_ == "dtype" || field_ == "shape" || field_ == "data_offsets";
  }
  std::string where() const {
    return fmt::format("{}: header: '{}'{}{}", file_, printable(name_), field_.empty() ? "" : ": ",
                       printable(field_));
  }
  [[noreturn]] void fail_form() const {
    fail(ErrorCode::CorruptData,
         "{}: has the wrong form; a tensor is {{\"dtype\": text, \"shape\": [...], "
         "\"data_offsets\": [begin, end]}} and __metadata__ maps text to text",
         where());
  }
  void set_type(std::string_view name) {
    const SafetensorsType* type = find_safetensors_type(name);
    if (type == nullptr) {
      fail(ErrorCode::Unsupported, "{}: '{}' is no element type that this version knows", where(),
           printable(name));
    }
    set_once(has_type_);
    SafetensorsEntry& entry = out_.entries.back();
    entry.tensor.type = type->name;
    entry.tensor.dtype = type->dtype;
    entry.bits = type->bits;
  }
  void set_once(bool& has) const {
    if (std::exchange(has, true)) {
      fail(ErrorCode::CorruptData, "{}: is there twice", where());
    }
  }
  void open_list(bool& has, std::vector<std::size_t>& list) {
    set_once(has);
    list.clear();
    list_ = &list;
  }
  std::size_t natural(const Json& value) const {
    const std::int64_t n = value.is_int() ? value.as_int("") : value.as_int(where());
    if (n < 0) {
      fail(ErrorCode::CorruptData, "{}: {} is negative", where(), n);
    }
    return static_cast<std::size_t>(n);
  }
  const std::string& text(const Json& value) const {  // where() only when it is needed
    return value.is_string() ? value.as_string("") : value.as_string(where());
  }

  std::string_view file_;
  SafetensorsHeader out_;
  std::size_t depth_ = 0;
  std::string name_;   // of the tensor, or __metadata__
  std::string field_;  // of the tensor or of the metadata
  bool in_metadata_ = false;
  bool had_metadata_ = false;
  bool has_type_ = false;
  bool has_shape_ = false;
  bool has_offsets_ = false;
  std::vector<std::size_t> offsets_;
  std::vector<std::size_t>* list_ = nullptr;  // where the numbers of the open list go
};

void check_size(const SafetensorsEntry& entry, std::string_view file) {
  const StoredTensor& tensor = entry.tensor;
  const auto count = count_elements(tensor.shape);
  const std::uint64_t most = std::numeric_limits<std::uint64_t>::max() / 64;
  if (!count || *count > most || *count * entry.bits % 8 != 0) {
    fail(ErrorCode::CorruptData, "{}: tensor '{}': the shape {} of {} has no size in bytes", file,
         printable(tensor.name), shape_text(tensor.shape), tensor.type);
  }
  if (*count * entry.bits / 8 != entry.end - entry.begin) {
    fail(ErrorCode::CorruptData,
         "{}: tensor '{}': the shape {} of {} needs {} bytes, but the offsets [{}, {}] span {}",
         file, printable(tensor.name), shape_text(tensor.shape), tensor.type,
         *count * entry.bits / 8, entry.begin, entry.end, entry.end - entry.begin);
  }
}

}  // namespace

const SafetensorsType* find_safetensors_type(std::string_view name) noexcept {
  const auto* it = std::find_if(std::begin(kSafetensorsTypes), std::end(kSafetensorsTypes),
                                [&](const SafetensorsType& type) { return type.name == name; });
  return it == std::end(kSafetensorsTypes) ? nullptr : it;
}

SafetensorsHeader parse_safetensors_header(std::string_view text, std::string_view file) {
  if (!text.starts_with('{')) {
    fail(ErrorCode::CorruptData, "{}: the header at offset 8 must be a JSON object", file);
  }
  SafetensorsHeaderReader reader(file);
  parse_json(text, fmt::format("{}: header at offset 8", file), reader);
  return reader.take();
}

void check_layout(std::vector<SafetensorsEntry>& entries, std::size_t data_start,
                  std::size_t file_size, std::string_view file) {
  std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) {
    return std::tie(a.begin, a.end, a.tensor.name) < std::tie(b.begin, b.end, b.tensor.name);
  });
  std::uint64_t expected = 0;
  for (const SafetensorsEntry& entry : entries) {
    if (entry.end < entry.begin) {
      fail(ErrorCode::CorruptData, "{}: tensor '{}': the offsets [{}, {}] are reversed", file,
           printable(entry.tensor.name), entry.begin, entry.end);
    }
    if (entry.end > file_size - data_start) {
      fail(ErrorCode::CorruptData,
           "{}: tensor '{}': the offsets [{}, {}] end past the {} bytes of data; the file is cut "
           "off or damaged",
           file, printable(entry.tensor.name), entry.begin, entry.end, file_size - data_start);
    }
    if (entry.begin != expected) {
      fail(ErrorCode::CorruptData,
           "{}: tensor '{}' starts at data offset {}, {} the one before, "
           "which ends at {}",
           file, printable(entry.tensor.name), entry.begin,
           entry.begin < expected ? "overlapping" : "leaving a hole after", expected);
    }
    check_size(entry, file);
    expected = entry.end;
  }
  if (expected != file_size - data_start) {
    fail(ErrorCode::CorruptData,
         "{}: the tensors end at data offset {}, but the file has {} bytes of data", file, expected,
         file_size - data_start);
  }
}

}  // namespace cajal
