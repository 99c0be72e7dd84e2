// What a layout of published dictionaries is: how it is recognised, and how it is read. Private to
// src/dictionary. Adding one: a file beside this, and a line in format.cc.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dictionary/formats/tensor_file.h"
#include "dictionary/load.h"

namespace cajal {

/// What the user named: a folder, or a file in one.
class PublishedFiles {
 public:
  explicit PublishedFiles(const std::filesystem::path& path);

  /// What was named, or the folder of the file that was.
  const std::filesystem::path& folder() const noexcept { return folder_; }
  /// The file that was named, the only one of torch's in the folder, or the only one of tensors;
  /// empty if there is none or there are several.
  const std::filesystem::path& file() const noexcept { return file_; }
  /// Whether file() ends in .pt or .pth.
  bool is_torch() const;
  /// Names of the files in the folder, sorted; of a file that was named, only its own.
  const std::vector<std::string>& names() const noexcept { return names_; }
  /// Whether the folder has all of these files (and no other file was named).
  bool has(std::initializer_list<std::string_view> names) const;
  /// file(), opened when first asked for; nullptr if there is none. Throws what opening it throws.
  std::shared_ptr<const TensorFile> tensors() const;
  /// The numbers N of files called prefix + N + ".safetensors", ascending.
  std::vector<std::size_t> numbered(std::string_view prefix) const;

 private:
  std::filesystem::path folder_;
  std::filesystem::path file_;
  std::vector<std::string> names_;
  mutable std::shared_ptr<const TensorFile> tensors_;
};

/// A dictionary that is being put together, with the memory it looks at.
class Builder {
 public:
  explicit Builder(std::string_view format, const PublishedFiles& files);

  DictionaryInfo info;
  std::vector<DictionaryLayer> layers;

  void note(std::string text) { info.notes.push_back(std::move(text)); }
  void keep(std::shared_ptr<const void> owner) { owners_->kept.push_back(std::move(owner)); }
  /// A matrix with as many axes as its shape says, in place. Throws CorruptData unless there are 2.
  ConstMatRef matrix(const StoredTensor& tensor);
  /// [rows, middle, cols] as [rows, middle * cols], in place.
  ConstMatRef slab(const StoredTensor& tensor);
  /// The matrix turned over and multiplied by `factor`, as F32 (or as it was, if factor is 1).
  ConstMatRef transposed(ConstMatRef matrix);
  ConstMatRef scaled(ConstMatRef matrix, double factor);
  /// A vector (or, with `count`, a single number repeated that often), as float.
  std::vector<float> vector(const StoredTensor& tensor, std::optional<std::size_t> count = {});

  /// Takes over another's layers, notes and memory.
  void add(Builder&& other);
  std::shared_ptr<const Dictionary> build();

 private:
  struct Owners {
    std::vector<std::shared_ptr<const void>> kept;
    std::vector<Matrix> made;
  };
  std::shared_ptr<Owners> owners_ = std::make_shared<Owners>();
};

struct DictionaryFormat {
  std::string_view name;
  /// By names alone; may open the file of tensors.
  bool (*matches)(const PublishedFiles& files);
  Builder (*load)(const PublishedFiles& files, const LoadOptions& options);
};

/// In the order in which they are tried.
std::span<const DictionaryFormat> format_table();

// One per file beside this.
bool matches_circuit_tracer_clt(const PublishedFiles& files);
Builder load_circuit_tracer_clt(const PublishedFiles& files, const LoadOptions& options);
bool matches_circuit_tracer(const PublishedFiles& files);
Builder load_circuit_tracer(const PublishedFiles& files, const LoadOptions& options);
bool matches_saelens(const PublishedFiles& files);
Builder load_saelens(const PublishedFiles& files, const LoadOptions& options);
bool matches_sparsify(const PublishedFiles& files);
Builder load_sparsify(const PublishedFiles& files, const LoadOptions& options);
bool matches_dictionary_learning(const PublishedFiles& files);
Builder load_dictionary_learning(const PublishedFiles& files, const LoadOptions& options);
bool matches_gemma_scope(const PublishedFiles& files);
Builder load_gemma_scope(const PublishedFiles& files, const LoadOptions& options);
bool matches_gemma_scope_2(const PublishedFiles& files);
Builder load_gemma_scope_2(const PublishedFiles& files, const LoadOptions& options);
bool matches_gemma_scope_2_clt(const PublishedFiles& files);
Builder load_gemma_scope_2_clt(const PublishedFiles& files, const LoadOptions& options);
bool matches_llama_scope(const PublishedFiles& files);
Builder load_llama_scope(const PublishedFiles& files, const LoadOptions& options);
bool matches_llama_scope_r1(const PublishedFiles& files);
Builder load_llama_scope_r1(const PublishedFiles& files, const LoadOptions& options);
bool matches_openai(const PublishedFiles& files);
Builder load_openai(const PublishedFiles& files, const LoadOptions& options);
bool matches_goodfire(const PublishedFiles& files);
Builder load_goodfire(const PublishedFiles& files, const LoadOptions& options);
bool matches_deepseek_r1(const PublishedFiles& files);
Builder load_deepseek_r1(const PublishedFiles& files, const LoadOptions& options);
bool matches_connor_rob(const PublishedFiles& files);
Builder load_connor_rob(const PublishedFiles& files, const LoadOptions& options);
bool matches_qwen_scope(const PublishedFiles& files);
Builder load_qwen_scope(const PublishedFiles& files, const LoadOptions& options);

}  // namespace cajal
