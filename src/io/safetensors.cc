#include "io/safetensors.h"

#include <algorithm>
#include <cstring>
#include <map>

#include "base/error.h"
#include "io/json.h"
#include "io/safetensors_header.h"

namespace cajal {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLengthBytes = 8;
constexpr std::uint64_t kLongestHeader = 100'000'000;  // the reference's limit
constexpr std::string_view kIndexEnding = ".safetensors.index.json";

std::string_view header_text(std::span<const std::byte> bytes, const std::string& file) {
  if (bytes.size() < kLengthBytes) {
    fail(ErrorCode::CorruptData,
         "{}: has {} bytes, but a safetensors file starts with 8 bytes of header length", file,
         bytes.size());
  }
  std::uint64_t length = 0;  // little endian, as every machine this builds for
  std::memcpy(&length, bytes.data(), kLengthBytes);
  if (length > kLongestHeader) {
    fail(ErrorCode::CorruptData,
         "{}: the header at offset 0 claims {} bytes, more than the {} that the format allows; "
         "this is no safetensors file or it is damaged",
         file, length, kLongestHeader);
  }
  if (length > bytes.size() - kLengthBytes) {
    fail(ErrorCode::CorruptData,
         "{}: the header at offset 0 claims {} bytes, but only {} follow; the file is cut off",
         file, length, bytes.size() - kLengthBytes);
  }
  return {reinterpret_cast<const char*>(bytes.data()) + kLengthBytes,
          static_cast<std::size_t>(length)};
}

/// The names of the shards and, for each, of the tensors that the index looks for there.
std::map<std::string, std::vector<std::string>> read_index(const fs::path& path) {
  const std::string where = path.string();
  const Json index = Json::parse(read_file(path, kLongestHeader), where);
  std::map<std::string, std::vector<std::string>> shards;
  for (const auto& [tensor, value] :
       index.at("weight_map", where).as_object(where + ": weight_map")) {
    const std::string& shard =
        value.as_string(fmt::format("{}: weight_map: '{}'", where, printable(tensor)));
    if (shard.empty() || shard == "." || shard == ".." ||
        shard.find_first_of(std::string_view("/\\\0", 3)) != std::string::npos) {
      fail(ErrorCode::CorruptData,
           "{}: weight_map puts tensor '{}' into '{}', which is not the name of a file in the same "
           "folder",
           where, printable(tensor), printable(shard));
    }
    shards[shard].push_back(tensor);
  }
  return shards;
}

}  // namespace

std::shared_ptr<const Safetensors> Safetensors::open(const fs::path& path) {
  std::error_code ignored;  // what cannot be asked cannot be opened either, which says why
  if (fs::is_directory(path, ignored)) {
    for (const char* name : {"model.safetensors", "model.safetensors.index.json"}) {
      if (fs::exists(path / name, ignored)) {
        return open(path / name);
      }
    }
    fail(ErrorCode::NotFound,
         "{}: the folder has neither model.safetensors nor model.safetensors.index.json",
         path.string());
  }
  if (path.filename().string().ends_with(kIndexEnding)) {
    return open_index(path);
  }
  auto file = MappedFile::open(path);
  const auto bytes = file->bytes();
  return parse(bytes, path.string(), std::move(file));
}

std::shared_ptr<const Safetensors> Safetensors::parse(std::span<const std::byte> bytes,
                                                      std::string name,
                                                      std::shared_ptr<const void> owner) {
  const std::shared_ptr<Safetensors> out(new Safetensors);
  out->name_ = std::make_shared<const std::string>(std::move(name));
  out->owners_.push_back(std::move(owner));
  const std::string& file = *out->name_;
  const std::string_view text = header_text(bytes, file);
  SafetensorsHeader header = parse_safetensors_header(text, file);
  const std::size_t data_start = kLengthBytes + text.size();
  check_layout(header.entries, data_start, bytes.size(), file);
  for (SafetensorsEntry& entry : header.entries) {
    StoredTensor& tensor = out->tensors_.emplace_back(std::move(entry.tensor));
    tensor.file = file;
    tensor.bytes = bytes.subspan(data_start + static_cast<std::size_t>(entry.begin),
                                 static_cast<std::size_t>(entry.end - entry.begin));
  }
  out->index_names();  // before any copy: a name that occurs twice costs nothing
  for (StoredTensor& tensor : out->tensors_) {
    make_viewable(tensor, out->owned_);
  }
  out->metadata_ = std::move(header.metadata);
  return out;
}

std::shared_ptr<const Safetensors> Safetensors::open_index(const fs::path& path) {
  const std::shared_ptr<Safetensors> out(new Safetensors);
  out->name_ = std::make_shared<const std::string>(path.string());
  for (const auto& [shard_name, names] : read_index(path)) {
    const auto shard = open(path.parent_path() / shard_name);
    std::vector<const StoredTensor*> found;
    for (const std::string& name : names) {
      found.push_back(shard->find(name));
      if (found.back() == nullptr) {
        fail(ErrorCode::CorruptData, "{}: weight_map puts tensor '{}' into {}, which lacks it",
             path.string(), printable(name), shard_name);
      }
    }
    std::sort(found.begin(), found.end());  // as they lie in the shard
    for (const StoredTensor* tensor : found) {
      out->tensors_.push_back(*tensor);
    }
    if (out->owners_.empty()) {
      out->metadata_ = shard->metadata();
    }
    out->owners_.push_back(shard);
  }
  out->index_names();
  return out;
}

void Safetensors::index_names() {
  by_name_.reserve(tensors_.size());
  for (std::size_t i = 0; i < tensors_.size(); ++i) {
    if (!by_name_.emplace(tensors_[i].name, i).second) {
      fail(ErrorCode::CorruptData, "{}: the header has two tensors named '{}'", *name_,
           printable(tensors_[i].name));
    }
  }
}

const StoredTensor* Safetensors::find(std::string_view name) const {
  const auto it = by_name_.find(name);
  return it == by_name_.end() ? nullptr : &tensors_[it->second];
}

const StoredTensor& Safetensors::at(std::string_view name) const {
  const StoredTensor* tensor = find(name);
  if (tensor == nullptr) {
    fail(ErrorCode::NotFound, "{}: has no tensor '{}'", *name_, printable(name));
  }
  return *tensor;
}

}  // namespace cajal
