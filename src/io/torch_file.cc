#include "io/torch_file.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <optional>

#include "base/error.h"
#include "base/file.h"
#include "io/pickle.h"
#include "io/zip_archive.h"

namespace cajal {
namespace {

using Kind = PickleNode::Kind;

constexpr std::string_view kPickle = "data.pkl";
constexpr std::size_t kDeepest = 100;
constexpr std::size_t kMostVisits = 2'000'000;
constexpr std::size_t kAlwaysSpread = std::size_t{64} << 20U;
// What a file may take: this, and some times its own bytes. A pickle names one value as often as it
// likes, and several entries of an archive may be the same bytes.
constexpr std::size_t kAlwaysTaken = std::size_t{256} << 20U;
constexpr std::size_t kMostTaken = 4;
constexpr std::size_t kLongestPath = 4096;
/// How a file of torch before 1.6 begins: protocol 2, then the number 0x1950a86a20f9469cfc6c.
constexpr std::array<unsigned char, 14> kOldMagic = {0x80, 0x02, 0x8A, 0x0A, 0x6C, 0xFC, 0x9C,
                                                     0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19};

/// The members of one archive.
class Members {
 public:
  Members(std::span<const std::byte> bytes, const std::string& name)
      : archive_(bytes, name, "torch .pt", nullptr), file_size_(bytes.size()) {
    for (std::size_t i = 0; i < archive_.entries().size(); ++i) {
      by_name_.emplace(archive_.entries()[i], i);
    }
    find_prefix();
    const auto order = read_if_there("byteorder");
    if (order && text_of(*order) != "little") {
      fail(ErrorCode::Unsupported, "{}: its numbers are stored as '{}' endian, not little endian",
           name, printable(text_of(*order)));
    }
  }

  std::size_t file_size() const noexcept { return file_size_; }
  std::string where(std::string_view member) const {
    return fmt::format("{}: {}{}", archive_.name(), printable(prefix_), printable(member));
  }
  ZipArchive::Unpacked read(const std::string& member) const {
    auto out = read_if_there(member);
    if (!out) {
      fail(ErrorCode::CorruptData, "{} is missing from the archive", where(member));
    }
    return std::move(*out);
  }

 private:
  static std::string_view text_of(const ZipArchive::Unpacked& member) {
    return {reinterpret_cast<const char*>(member.bytes.get()), member.size};
  }
  std::optional<ZipArchive::Unpacked> read_if_there(const std::string& member) const {
    const auto found = by_name_.find(prefix_ + member);
    if (found == by_name_.end()) {
      return std::nullopt;
    }
    return archive_.read(found->second, where(member));
  }
  /// The folder in the archive, which torch names after the file it first wrote.
  void find_prefix() {
    std::size_t count = 0;
    for (const std::string& entry : archive_.entries()) {
      if (entry.ends_with(kPickle)) {
        prefix_ = entry.substr(0, entry.size() - kPickle.size());
        ++count;
      }
    }
    if (count != 1) {
      fail(ErrorCode::CorruptData,
           "{}: has {} members named data.pkl, but a torch file has one; was it written by "
           "torch.save?",
           archive_.name(), count);
    }
  }

  ZipArchive archive_;
  std::size_t file_size_;
  std::map<std::string, std::size_t, std::less<>> by_name_;
  std::string prefix_;
};

/// A view of a storage: which elements make up a tensor.
struct Strided {
  std::vector<std::size_t> shape;
  std::vector<std::size_t> strides;
  std::size_t offset = 0;

  /// Whether the elements lie one after the other, in order.
  bool is_contiguous() const {
    std::size_t want = 1;
    for (std::size_t axis = shape.size(); axis-- > 0;) {
      if (shape[axis] != 1 && strides[axis] != want) {
        return false;
      }
      want *= shape[axis];
    }
    return true;
  }
  /// How many elements the storage must have; nullopt if that overflows.
  std::optional<std::size_t> needed() const {
    std::size_t last = offset;
    for (std::size_t axis = 0; axis < shape.size(); ++axis) {
      if (shape[axis] == 0) {
        return 0;
      }
      std::size_t step = 0;
      if (__builtin_mul_overflow(shape[axis] - 1, strides[axis], &step) ||
          __builtin_add_overflow(last, step, &last)) {
        return std::nullopt;
      }
    }
    std::size_t count = 0;
    return __builtin_add_overflow(last, std::size_t{1}, &count) ? std::nullopt
                                                                : std::optional(count);
  }
};

/// Copies the elements in order, axis by axis.
class Gather {
 public:
  Gather(const Strided& view, std::size_t size, std::span<const std::byte> from, std::byte* to)
      : view_(view), size_(size), from_(from), to_(to) {}

  void run(std::size_t axis, std::size_t at) {
    if (axis == view_.shape.size()) {
      std::memcpy(to_, from_.data() + at * size_, size_);
      to_ += size_;
      return;
    }
    for (std::size_t i = 0; i < view_.shape[axis]; ++i) {
      run(axis + 1, at + i * view_.strides[axis]);
    }
  }

 private:
  const Strided& view_;
  std::size_t size_;
  std::span<const std::byte> from_;
  std::byte* to_;
};

/// Turns the values of a pickle into tensors and JSON.
class Walk {
 public:
  Walk(const Pickle& pickle, const Members& members, const std::string& file,
       std::vector<StoredTensor>& tensors, std::vector<Buffer>& owned)
      : pickle_(pickle),
        members_(members),
        file_(file),
        left_(kAlwaysTaken + kMostTaken * members.file_size()),
        tensors_(tensors),
        owned_(owned) {}

  Json visit(std::size_t i, const std::string& path, std::size_t depth) {
    if (depth > kDeepest || ++visits_ > kMostVisits) {
      fail(ErrorCode::CorruptData, "{}: '{}' is nested more than {} levels or repeats too much",
           file_, printable(path), kDeepest);
    }
    const PickleNode& node = pickle_.at(i);
    if (path.size() > kLongestPath) {
      fail(ErrorCode::CorruptData, "{}: a name of {} bytes is too long", file_, path.size());
    }
    take(sizeof(Json) + node.text.size() + path.size(), path);
    switch (node.kind) {
      case Kind::Bool:
        return node.integer != 0;
      case Kind::Int:
        return node.integer;
      case Kind::Float:
        return node.number;
      case Kind::Text:
        return node.text;
      case Kind::List:
      case Kind::Tuple:
        return list(node, path, depth);
      case Kind::Dict:
        return dict(node, path, depth);
      case Kind::Tensor:
        add_tensor(node, path);
        break;
      case Kind::None:
      case Kind::Global:
      case Kind::Storage:
        break;
    }
    return {};
  }

 private:
  /// Counts memory that the file makes us take.
  void take(std::size_t bytes, const std::string& path) {
    if (bytes > left_) {
      fail(
          ErrorCode::ResourceExhausted,
          "{}: takes far more memory than its {} bytes, at '{}'; save the tensors alone, each once",
          file_, members_.file_size(), printable(path));
    }
    left_ -= bytes;
  }
  static std::string joined(const std::string& path, std::string_view name) {
    return path.empty() ? std::string(name) : fmt::format("{}.{}", path, name);
  }
  std::string key_text(const PickleNode& key, const std::string& path) const {
    if (key.kind == Kind::Text) {
      return key.text;
    }
    if (key.kind == Kind::Int) {
      return std::to_string(key.integer);
    }
    fail(ErrorCode::Unsupported, "{}: '{}' has a key that is neither text nor an integer", file_,
         printable(path));
  }
  Json list(const PickleNode& node, const std::string& path, std::size_t depth) {
    Json out(Json::Array{});
    for (std::size_t i = 0; i < node.items.size(); ++i) {
      out.push_back(visit(node.items[i], joined(path, std::to_string(i)), depth + 1));
    }
    return out;
  }
  Json dict(const PickleNode& node, const std::string& path, std::size_t depth) {
    Json out = Json::object({});
    for (std::size_t i = 0; i < node.items.size(); i += 2) {
      const std::string key = key_text(pickle_.at(node.items[i]), path);
      Json value = visit(node.items[i + 1], joined(path, key), depth + 1);
      if (pickle_.at(node.items[i + 1]).kind != Kind::Tensor) {
        out.append_member(key, std::move(value));
      }
    }
    return out;
  }

  struct Storage {
    std::span<const std::byte> bytes;
    std::size_t count = 0;
    DType dtype = DType::F32;
  };
  const Storage& storage(const PickleNode& node) {
    const auto known = storages_.find(node.text);
    if (known != storages_.end()) {
      if (known->second.dtype != node.dtype ||
          known->second.count != static_cast<std::size_t>(node.integer)) {
        fail(ErrorCode::CorruptData, "{}: is described in two ways", where(node));
      }
      return known->second;
    }
    const auto count = static_cast<std::size_t>(node.integer);
    ZipArchive::Unpacked unpacked = members_.read("data/" + node.text);
    if (unpacked.size % size_of(node.dtype) != 0 || unpacked.size / size_of(node.dtype) != count) {
      fail(ErrorCode::CorruptData, "{}: has {} bytes, which are not {} elements of {}", where(node),
           unpacked.size, count, name_of(node.dtype));
    }
    take(unpacked.size, node.text);
    const Storage out{{unpacked.bytes.get(), unpacked.size}, count, node.dtype};
    owned_.push_back(std::move(unpacked.bytes));
    return storages_.emplace(node.text, out).first->second;
  }
  std::string where(const PickleNode& node) const { return members_.where("data/" + node.text); }

  void add_tensor(const PickleNode& node, const std::string& path) {
    Strided view;
    const std::size_t axes = node.sizes.size() / 2;
    for (std::size_t i = 0; i < axes; ++i) {
      view.shape.push_back(static_cast<std::size_t>(node.sizes[i]));
      view.strides.push_back(static_cast<std::size_t>(node.sizes[axes + i]));
    }
    view.offset = static_cast<std::size_t>(node.integer);
    const Storage& from = storage(pickle_.at(node.items[0]));
    const auto needed = view.needed();
    if (!needed || *needed > from.count) {
      fail(ErrorCode::CorruptData,
           "{}: tensor '{}' of shape {} with strides {} from element {} on needs more than the {} "
           "elements of its storage",
           file_, printable(path), shape_text(view.shape), shape_text(view.strides), view.offset,
           from.count);
    }
    take(sizeof(StoredTensor), path);
    tensors_.push_back({.name = path,
                        .type = name_of(from.dtype),
                        .dtype = from.dtype,
                        .shape = view.shape,
                        .bytes = elements(view, from, path),
                        .file = file_});
    const std::size_t before = owned_.size();
    make_viewable(tensors_.back(), owned_);
    if (owned_.size() != before) {  // it had to be copied
      take(tensors_.back().bytes.size(), path);
    }
  }

  std::span<const std::byte> elements(const Strided& view, const Storage& from,
                                      const std::string& path) {
    const std::size_t size = size_of(from.dtype);
    const auto count = count_elements(view.shape);
    const std::size_t room = std::max(kAlwaysSpread, 2 * from.bytes.size());
    if (!count || *count > room / size) {  // stride 0 makes many of few
      fail(ErrorCode::ResourceExhausted,
           "{}: tensor '{}' claims the shape {} on a storage of {} elements", file_,
           printable(path), shape_text(view.shape), from.count);
    }
    if (*count == 0) {
      return {};
    }
    if (view.is_contiguous()) {
      return from.bytes.subspan(view.offset * size, *count * size);
    }
    take(*count * size, path);
    Buffer copy = allocate_host(*count * size);
    Gather(view, size, from.bytes, copy.get()).run(0, view.offset);
    owned_.push_back(std::move(copy));
    return {owned_.back().get(), *count * size};
  }

  const Pickle& pickle_;
  const Members& members_;
  const std::string& file_;
  std::size_t left_;  // bytes that may yet be taken
  std::vector<StoredTensor>& tensors_;
  std::vector<Buffer>& owned_;
  std::map<std::string, Storage> storages_;
  std::size_t visits_ = 0;
};

void refuse_old(std::span<const std::byte> bytes, const std::string& name) {
  if (bytes.size() >= kOldMagic.size() &&
      std::memcmp(bytes.data(), kOldMagic.data(), kOldMagic.size()) == 0) {
    fail(ErrorCode::Unsupported,
         "{}: was written by torch before 1.6, or without its zip format; load it in torch and "
         "save it again with torch.save",
         name);
  }
}

}  // namespace

std::shared_ptr<const TorchFile> TorchFile::open(const std::filesystem::path& path) {
  return parse(MappedFile::open(path)->bytes(), path.string());
}

std::shared_ptr<const TorchFile> TorchFile::parse(std::span<const std::byte> bytes,
                                                  std::string name) {
  refuse_old(bytes, name);
  std::shared_ptr<TorchFile> out(new TorchFile());
  out->name_ = std::make_shared<const std::string>(std::move(name));
  const Members members(bytes, *out->name_);
  const ZipArchive::Unpacked raw = members.read(std::string(kPickle));
  const Pickle pickle = read_pickle({raw.bytes.get(), raw.size}, members.where(kPickle));
  Walk walk(pickle, members, *out->name_, out->tensors_, out->owned_);
  out->values_ = walk.visit(pickle.root, "", 0);
  return out;
}

const StoredTensor* TorchFile::find(std::string_view name) const noexcept {
  const auto found = std::find_if(tensors_.begin(), tensors_.end(),
                                  [&](const StoredTensor& tensor) { return tensor.name == name; });
  return found == tensors_.end() ? nullptr : &*found;
}

}  // namespace cajal
