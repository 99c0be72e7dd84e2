#include "io/safetensors_writer.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <unordered_map>

#include "base/error.h"
#include "io/json.h"
#include "io/safetensors_header.h"

namespace cajal {
namespace {

std::size_t size_in_bytes(const TensorSpec& spec) {
  const auto count = count_elements(spec.shape);
  if (!count || *count > std::numeric_limits<std::int64_t>::max() / size_of(spec.dtype)) {
    fail(ErrorCode::InvalidArgument, "tensor '{}': the shape {} is impossibly large",
         printable(spec.name), shape_text(spec.shape));
  }
  return *count * size_of(spec.dtype);
}

void sort_as_reference(std::vector<TensorSpec>& specs) {
  std::sort(specs.begin(), specs.end(), [](const TensorSpec& a, const TensorSpec& b) {
    const auto* x = find_safetensors_type(name_of(a.dtype));  // in the order of the format's types
    const auto* y = find_safetensors_type(name_of(b.dtype));
    return x != y ? x > y : a.name < b.name;
  });
}

/// Eight bytes of length, then JSON padded with spaces so that the data start at a multiple of 8.
std::string header_of(std::span<const TensorSpec> specs, const StringPairs& metadata) {
  Json header = Json::object({});
  if (!metadata.empty()) {
    Json pairs = Json::object({});
    for (const auto& [key, value] : metadata) {
      pairs.append_member(key, value);
    }
    header.append_member("__metadata__", std::move(pairs));
  }
  std::size_t offset = 0;
  for (const TensorSpec& spec : specs) {
    const std::size_t end = offset + size_in_bytes(spec);
    Json::Array shape;
    for (const std::size_t n : spec.shape) {
      shape.emplace_back(std::uint64_t{n});
    }
    header.append_member(
        spec.name,
        Json::object({{"dtype", name_of(spec.dtype)},
                      {"shape", std::move(shape)},
                      {"data_offsets", Json::Array{std::uint64_t{offset}, std::uint64_t{end}}}}));
    offset = end;
  }
  std::string text = header.dump();
  text.append((8 - text.size() % 8) % 8, ' ');
  const std::uint64_t length = text.size();
  std::string out(sizeof length, '\0');
  std::memcpy(out.data(), &length, sizeof length);  // little endian, as every machine here
  return out + text;
}

void check_names(std::span<const TensorSpec> specs) {
  std::unordered_map<std::string_view, bool> seen;
  for (const TensorSpec& spec : specs) {
    check(spec.name != "__metadata__" && seen.emplace(spec.name, true).second,
          "cannot write two tensors named '{}', or one named __metadata__", spec.name);
  }
}

}  // namespace

SafetensorsWriter::SafetensorsWriter(const std::filesystem::path& path,
                                     std::vector<TensorSpec> specs, const StringPairs& metadata)
    : file_(path), path_(path.string()), specs_(std::move(specs)) {
  check_names(specs_);
  sort_as_reference(specs_);
  file_.write(header_of(specs_, metadata));
  if (!specs_.empty()) {
    left_ = size_in_bytes(specs_[0]);
    finish_empty();
  }
}

void SafetensorsWriter::finish_empty() {
  while (current_ < specs_.size() && left_ == 0) {
    ++current_;
    left_ = current_ < specs_.size() ? size_in_bytes(specs_[current_]) : 0;
  }
}

void SafetensorsWriter::write(std::string_view name, ConstMatRef elements) {
  const std::size_t bytes = elements.rows * elements.cols * size_of(elements.dtype);
  if (bytes == 0) {
    return;
  }
  check(current_ < specs_.size() && specs_[current_].name == name,
        "{}: tensor '{}' is not the next to be written", path_, name);
  check(
      elements.device == Device::Cpu && elements.dtype == specs_[current_].dtype && bytes <= left_,
      "{}: tensor '{}' of {} lacks {} bytes, but {} of {} are given", path_, name,
      name_of(specs_[current_].dtype), left_, bytes, name_of(elements.dtype));
  for_each_piece(elements, [&](std::span<const std::byte> piece) { file_.write(piece); });
  left_ -= bytes;
  finish_empty();
}

void SafetensorsWriter::commit() {
  check(current_ == specs_.size(), "{}: tensor '{}' lacks {} bytes", path_,
        current_ < specs_.size() ? specs_[current_].name : "", left_);
  file_.commit();
}

void write_safetensors(const std::filesystem::path& path, std::span<const NamedMatrix> tensors,
                       const StringPairs& metadata) {
  std::vector<TensorSpec> specs;
  std::unordered_map<std::string_view, ConstMatRef> matrices;
  for (const NamedMatrix& tensor : tensors) {
    const ConstMatRef& m = tensor.matrix;
    specs.push_back({tensor.name, m.dtype, tensor.shape.value_or(std::vector{m.rows, m.cols})});
    check(count_elements(specs.back().shape) == m.rows * m.cols,
          "tensor '{}': the shape {} does not fit a matrix of [{}, {}]", tensor.name,
          shape_text(specs.back().shape), m.rows, m.cols);
    matrices.emplace(tensor.name, m);
  }
  SafetensorsWriter writer(path, std::move(specs), metadata);
  for (const TensorSpec& spec : writer.order()) {
    writer.write(spec.name, matrices.at(spec.name));
  }
  writer.commit();
}

}  // namespace cajal
