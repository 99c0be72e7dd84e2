#include "io/npy.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <iterator>

#include <fmt/ranges.h>

#include "base/error.h"

namespace cajal {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";

struct NpyType {
  std::string_view name;
  DType dtype;
};
constexpr NpyType kNpyTypes[] = {
    {"<f8", DType::F64}, {"<f4", DType::F32}, {"<f2", DType::F16}, {"<i8", DType::I64},
    {"<i4", DType::I32}, {"|i1", DType::I8},  {"|u1", DType::U8},  {"|b1", DType::Bool},
};

struct NpyHeader {
  std::string_view type;
  bool columns_first = false;
  std::vector<std::size_t> shape;
};

/// Reads the header, which is a Python dict: {'descr': '<f4', 'fortran_order': False, 'shape': (3,
/// 4), }.
class NpyHeaderReader {
 public:
  NpyHeaderReader(std::string_view text, std::size_t offset, const std::string& file)
      : text_(text), offset_(offset), file_(file) {}

  NpyHeader read() {
    expect('{');
    while (!take('}')) {
      read_field();
      if (!take(',')) {
        expect('}');
        break;
      }
    }
    skip_space();
    if (at_ != text_.size() || fields_ != 7) {
      fail_here("must have exactly the fields descr, fortran_order and shape");
    }
    return std::move(header_);
  }

 private:
  void read_field() {
    const std::string_view name = quoted();
    expect(':');
    if (name == "descr") {
      fields_ |= 1U;
      skip_space();
      if (at_ < text_.size() && text_[at_] == '[') {
        fail(ErrorCode::Unsupported, "{}: holds records of several fields; save each as an array",
             file_);
      }
      header_.type = quoted();
    } else if (name == "fortran_order") {
      fields_ |= 2U;
      header_.columns_first = boolean();
    } else if (name == "shape") {
      fields_ |= 4U;
      header_.shape = tuple();
    } else {
      fail_here("has a field that is none of descr, fortran_order and shape");
    }
  }
  std::string_view quoted() {
    skip_space();
    const char quote = at_ < text_.size() ? text_[at_] : '\0';
    const std::size_t end = text_.find(quote, at_ + 1);
    if ((quote != '\'' && quote != '"') || end == std::string_view::npos) {
      fail_here("must have a quoted text");
    }
    const std::string_view out = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    return out;
  }
  bool boolean() {
    skip_space();
    for (const std::string_view word : {"True", "False"}) {
      if (text_.substr(at_).starts_with(word)) {
        at_ += word.size();
        return word == "True";
      }
    }
    fail_here("must have True or False");
  }
  std::vector<std::size_t> tuple() {
    std::vector<std::size_t> out;
    expect('(');
    while (!take(')')) {
      out.push_back(natural());
      if (!take(',')) {
        expect(')');
        break;
      }
    }
    return out;
  }
  std::size_t natural() {
    skip_space();
    std::size_t n = 0;
    const char* begin = text_.data() + at_;
    const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), n);
    if (error != std::errc()) {
      fail_here("must have a number of elements that is not negative and not too large");
    }
    at_ += static_cast<std::size_t>(end - begin);
    take('L');  // as Python 2 wrote it
    return n;
  }
  bool take(char c) {
    skip_space();
    const bool there = at_ < text_.size() && text_[at_] == c;
    at_ += there ? 1U : 0U;
    return there;
  }
  void expect(char c) {
    if (!take(c)) {
      fail_here(fmt::format("must have '{}'", c));
    }
  }
  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) {
      ++at_;
    }
  }
  [[noreturn]] void fail_here(std::string_view what) const {
    fail(ErrorCode::CorruptData, "{}: the header {} at offset {}", file_, what, offset_ + at_);
  }

  std::string_view text_;
  std::size_t offset_;  // of the text in the file
  const std::string& file_;
  std::size_t at_ = 0;
  unsigned fields_ = 0;  // a bit for each that was there
  NpyHeader header_;
};

/// Where the header's text lies: {offset, length}.
std::pair<std::size_t, std::size_t> find_header(std::span<const std::byte> bytes,
                                                const std::string& file) {
  const std::size_t versioned = kMagic.size() + 2;
  if (bytes.size() < versioned || std::memcmp(bytes.data(), kMagic.data(), kMagic.size()) != 0) {
    fail(ErrorCode::CorruptData, "{}: does not start with '\\x93NUMPY'; this is no .npy file",
         file);
  }
  const auto version = std::to_integer<unsigned>(bytes[kMagic.size()]);
  if (version < 1 || version > 3) {
    fail(ErrorCode::Unsupported, "{}: has .npy version {} at offset {}; 1 to 3 can be read", file,
         version, kMagic.size());
  }
  const std::size_t width = version == 1 ? 2 : 4;
  std::uint32_t length = 0;
  if (bytes.size() >= versioned + width) {
    std::memcpy(&length, bytes.data() + versioned, width);
  }
  if (bytes.size() < versioned + width || length > bytes.size() - versioned - width) {
    fail(ErrorCode::CorruptData, "{}: the header at offset {} of {} bytes is cut off", file,
         versioned + width, length);
  }
  return {versioned + width, length};
}

DType type_of(std::string_view name, const std::string& file) {
  const auto* it = std::find_if(std::begin(kNpyTypes), std::end(kNpyTypes),
                                [&](const NpyType& type) { return type.name == name; });
  if (it == std::end(kNpyTypes)) {
    fail(ErrorCode::Unsupported,
         "{}: holds elements of the type '{}'; save it as float64, float32, float16, int64, int32, "
         "int8, uint8 or bool, little endian",
         file, printable(name));
  }
  return it->dtype;
}

/// Copies [rows, cols] stored columns first. Blocks of columns keep the strided reads in cache.
Buffer transpose(std::span<const std::byte> from, std::size_t rows, std::size_t cols,
                 std::size_t size) {
  constexpr std::size_t kBlock = 64;
  Buffer to = allocate_host(from.size());
  for (std::size_t begin = 0; begin < cols; begin += kBlock) {
    for (std::size_t r = 0; r < rows; ++r) {
      for (std::size_t c = begin; c < std::min(cols, begin + kBlock); ++c) {
        std::memcpy(to.get() + (r * cols + c) * size, from.data() + (c * rows + r) * size, size);
      }
    }
  }
  return to;
}

}  // namespace

std::shared_ptr<const Npy> Npy::open(const std::filesystem::path& path) {
  auto file = MappedFile::open(path);
  const auto bytes = file->bytes();
  return parse(bytes, path.string(), std::move(file));
}

std::shared_ptr<const Npy> Npy::parse(std::span<const std::byte> bytes, std::string name,
                                      std::shared_ptr<const void> owner) {
  return read(bytes, std::move(name), std::move(owner));
}

std::shared_ptr<Npy> Npy::read(std::span<const std::byte> bytes, std::string name,
                               std::shared_ptr<const void> owner) {
  const std::shared_ptr<Npy> out(new Npy);
  out->name_ = std::make_shared<const std::string>(std::move(name));
  out->owner_ = std::move(owner);
  const std::string& file = *out->name_;
  const auto [offset, length] = find_header(bytes, file);
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()) + offset, length);
  NpyHeader header = NpyHeaderReader(text, offset, file).read();
  StoredTensor& tensor = out->tensor_;
  const DType dtype = type_of(header.type, file);
  tensor.dtype = dtype;
  tensor.type = name_of(dtype);
  tensor.file = file;
  tensor.shape = std::move(header.shape);
  out->set_elements(bytes.subspan(offset + length), dtype, header.columns_first);
  make_viewable(tensor, out->owned_);
  return out;
}

void Npy::set_elements(std::span<const std::byte> data, DType dtype, bool columns_first) {
  const std::size_t size = size_of(dtype);
  const auto count = count_elements(tensor_.shape);
  if (!count || *count != data.size() / size || data.size() % size != 0) {
    fail(ErrorCode::CorruptData, "{}: the shape {} of {} does not fit the {} bytes of elements",
         *name_, shape_text(tensor_.shape), tensor_.type, data.size());
  }
  tensor_.bytes = data;
  if (!columns_first || tensor_.shape.size() < 2 || data.empty()) {
    return;
  }
  if (tensor_.shape.size() > 2) {
    fail(ErrorCode::Unsupported,
         "{}: stores an array of {} axes columns first; save numpy.ascontiguousarray of it", *name_,
         tensor_.shape.size());
  }
  owned_.push_back(transpose(data, tensor_.shape[0], tensor_.shape[1], size));
  tensor_.bytes = {owned_.back().get(), data.size()};
}

std::string npy_header(DType dtype, std::span<const std::size_t> shape) {
  const auto* type = std::find_if(std::begin(kNpyTypes), std::end(kNpyTypes),
                                  [&](const NpyType& x) { return x.dtype == dtype; });
  if (type == std::end(kNpyTypes)) {
    fail(ErrorCode::Unsupported, "NumPy has no element type for {}; write F32 or safetensors",
         name_of(dtype));
  }
  std::string text = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}{}), }}",
                                 type->name, fmt::join(shape, ", "), shape.size() == 1 ? "," : "");
  constexpr std::size_t kAlignment = 64;
  const std::size_t before = kMagic.size() + 4;
  text.append(kAlignment - 1 - (before + text.size()) % kAlignment, ' ');
  text.push_back('\n');
  check(text.size() <= 0xFFFF, "an array of {} axes cannot be written", shape.size());
  std::string out(kMagic);
  out.append(
      {'\1', '\0', static_cast<char>(text.size() & 0xFFU), static_cast<char>(text.size() >> 8U)});
  return out + text;
}

void write_npy(const std::filesystem::path& path, ConstMatRef matrix,
               const std::optional<std::vector<std::size_t>>& shape) {
  const std::vector<std::size_t> axes = shape.value_or(std::vector{matrix.rows, matrix.cols});
  check(count_elements(axes) == matrix.rows * matrix.cols,
        "{}: the shape {} does not fit a matrix of [{}, {}]", path.string(), shape_text(axes),
        matrix.rows, matrix.cols);
  AtomicFile file(path);
  file.write(npy_header(matrix.dtype, axes));
  for_each_piece(matrix, [&](std::span<const std::byte> bytes) { file.write(bytes); });
  file.commit();
}

}  // namespace cajal
