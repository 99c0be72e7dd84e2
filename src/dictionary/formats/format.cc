#include "dictionary/formats/format.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/error.h"
#include "tensor/transpose.h"

namespace cajal {
namespace {

constexpr std::array<DictionaryFormat, 15> kFormats = {{
    {"circuit-tracer", matches_circuit_tracer_clt, load_circuit_tracer_clt},
    {"circuit-tracer", matches_circuit_tracer, load_circuit_tracer},
    {"llama-scope-r1", matches_llama_scope_r1, load_llama_scope_r1},
    {"saelens", matches_saelens, load_saelens},
    {"sparsify", matches_sparsify, load_sparsify},
    {"dictionary_learning", matches_dictionary_learning, load_dictionary_learning},
    {"gemma-scope", matches_gemma_scope, load_gemma_scope},
    {"gemma-scope-2", matches_gemma_scope_2_clt, load_gemma_scope_2_clt},
    {"gemma-scope-2", matches_gemma_scope_2, load_gemma_scope_2},
    {"llama-scope", matches_llama_scope, load_llama_scope},
    {"openai", matches_openai, load_openai},
    {"goodfire", matches_goodfire, load_goodfire},
    {"deepseek-r1", matches_deepseek_r1, load_deepseek_r1},
    {"connor-rob", matches_connor_rob, load_connor_rob},
    {"qwen-scope", matches_qwen_scope, load_qwen_scope},
}};

bool is_torch_file(const std::filesystem::path& path) {
  return path.extension() == ".pt" || path.extension() == ".pth";
}

std::vector<std::string> files_in(const std::filesystem::path& folder) {
  std::vector<std::string> out;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (!entry.is_directory()) {
      out.push_back(entry.path().filename().string());
    }
  }
  std::sort(out.begin(), out.end());
  return out;
}

/// The only file of tensors, or the only one of torch; empty if there are several.
std::string only_file(const std::vector<std::string>& names) {
  for (const auto& counts : {is_torch_file, TensorFile::is_one}) {
    const auto first = std::find_if(names.begin(), names.end(), counts);
    if (first != names.end() && std::none_of(first + 1, names.end(), counts)) {
      return *first;
    }
  }
  return "";
}

}  // namespace

bool PublishedFiles::is_torch() const {
  return is_torch_file(file_);
}

std::span<const DictionaryFormat> format_table() {
  return kFormats;
}

PublishedFiles::PublishedFiles(const std::filesystem::path& path) {
  if (!std::filesystem::exists(path)) {
    fail(ErrorCode::NotFound, "{}: there is no such file or folder", path.string());
  }
  if (!std::filesystem::is_directory(path)) {
    folder_ = path.parent_path();
    file_ = path;
    names_ = {path.filename().string()};
    return;
  }
  folder_ = path;
  names_ = files_in(path);
  const std::string only = only_file(names_);
  file_ = only.empty() ? std::filesystem::path() : path / only;
}

bool PublishedFiles::has(std::initializer_list<std::string_view> names) const {
  return std::all_of(names.begin(), names.end(), [&](std::string_view name) {
    return std::binary_search(names_.begin(), names_.end(), name);
  });
}

std::shared_ptr<const TensorFile> PublishedFiles::tensors() const {
  if (!tensors_ && !file_.empty() && TensorFile::is_one(file_)) {
    tensors_ = TensorFile::open(file_);
  }
  return tensors_;
}

std::vector<std::size_t> PublishedFiles::numbered(std::string_view prefix) const {
  constexpr std::string_view kEnding = ".safetensors";
  std::vector<std::size_t> out;
  for (std::string_view name : names_) {
    if (!name.starts_with(prefix) || !name.ends_with(kEnding) ||
        name.size() < prefix.size() + kEnding.size()) {
      continue;
    }
    name.remove_prefix(prefix.size());
    name.remove_suffix(kEnding.size());
    std::size_t number = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (error == std::errc() && end == name.data() + name.size()) {
      out.push_back(number);
    }
  }
  std::sort(out.begin(), out.end());
  return out;
}

Builder::Builder(std::string_view format, const PublishedFiles& files) {
  info.format = format;
  info.name = (files.file().empty() ? files.folder() : files.file()).string();
}

ConstMatRef Builder::matrix(const StoredTensor& tensor) {
  if (tensor.shape.size() != 2) {
    fail(ErrorCode::CorruptData, "{}: tensor '{}' should be a matrix, but its shape is {}",
         tensor.file, printable(tensor.name), shape_text(tensor.shape));
  }
  return as_matrix(tensor);
}

ConstMatRef Builder::slab(const StoredTensor& tensor) {
  if (tensor.shape.size() != 3 || tensor.shape[0] == 0) {
    fail(ErrorCode::CorruptData, "{}: tensor '{}' should have three axes, but its shape is {}",
         tensor.file, printable(tensor.name), shape_text(tensor.shape));
  }
  ConstMatRef out = as_matrix(tensor);
  out.rows = tensor.shape[0];
  out.cols = tensor.shape[1] * tensor.shape[2];
  out.stride = out.cols;
  return out;
}

ConstMatRef Builder::transposed(ConstMatRef matrix) {
  owners_->made.push_back(cajal::transposed(matrix));
  return std::as_const(owners_->made.back()).ref();
}

ConstMatRef Builder::scaled(ConstMatRef matrix, double factor) {
  Matrix out = Matrix::host(matrix.rows, matrix.cols, DType::F32);
  convert(matrix, out.ref());
  for (float& value : std::span(out.as<float>().data, matrix.rows * matrix.cols)) {
    value = static_cast<float>(static_cast<double>(value) * factor);
  }
  owners_->made.push_back(std::move(out));
  return std::as_const(owners_->made.back()).ref();
}

std::vector<float> Builder::vector(const StoredTensor& tensor, std::optional<std::size_t> count) {
  const ConstMatRef m = as_matrix(tensor);
  if (m.rows != 1 || tensor.shape.size() > 2) {
    fail(ErrorCode::CorruptData, "{}: tensor '{}' should be a vector, but its shape is {}",
         tensor.file, printable(tensor.name), shape_text(tensor.shape));
  }
  std::vector<float> out(m.cols);
  convert(m, {reinterpret_cast<std::byte*>(out.data()), 1, out.size(), out.size()});
  if (count && out.size() == 1) {
    out.resize(*count, out[0]);
  }
  return out;
}

void Builder::add(Builder&& other) {
  layers.insert(layers.end(), std::make_move_iterator(other.layers.begin()),
                std::make_move_iterator(other.layers.end()));
  for (std::string& text : other.info.notes) {
    if (std::find(info.notes.begin(), info.notes.end(), text) == info.notes.end()) {
      note(std::move(text));
    }
  }
  keep(std::move(other.owners_));
}

std::shared_ptr<const Dictionary> Builder::build() {
  std::shared_ptr<const void> owner = owners_;
  return std::make_shared<const Dictionary>(std::move(info), std::move(layers), std::move(owner));
}

}  // namespace cajal
