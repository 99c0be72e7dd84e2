#include "dictionary/load.h"

#include <algorithm>
#include <atomic>
#include <cmath>

#include <fmt/ranges.h>

#include "base/error.h"
#include "base/parallel.h"
#include "dictionary/formats/format.h"

namespace cajal {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kDeepest = 4;  // folders within folders
constexpr std::size_t kScannedBytes = std::size_t{256} << 20U;

const DictionaryFormat* format_of(const PublishedFiles& files) {
  const auto table = format_table();
  const auto found = std::find_if(table.begin(), table.end(), [&](const DictionaryFormat& format) {
    return format.matches(files);
  });
  return found == table.end() ? nullptr : &*found;
}

std::vector<fs::path> folders_in(const fs::path& folder) {
  std::vector<fs::path> out;
  if (fs::is_directory(folder)) {
    for (const auto& entry : fs::directory_iterator(folder)) {
      if (entry.is_directory() && !entry.path().filename().string().starts_with('.')) {
        out.push_back(entry.path());
      }
    }
  }
  std::sort(out.begin(), out.end());
  return out;
}

/// Every dictionary at the path or in folders within it.
void find_all(const fs::path& path, std::size_t depth,
              std::vector<std::pair<PublishedFiles, const DictionaryFormat*>>& out) {
  PublishedFiles files(path);
  if (const DictionaryFormat* format = format_of(files)) {
    out.emplace_back(std::move(files), format);
    return;
  }
  if (depth < kDeepest) {
    for (const fs::path& folder : folders_in(path)) {
      find_all(folder, depth + 1, out);
    }
  }
}

[[noreturn]] void refuse_unknown(const fs::path& path) {
  if (!fs::is_directory(path) && !TensorFile::is_one(path)) {
    fail(ErrorCode::Unsupported, "{}: is no file of tensors (.safetensors, .npz, .pt) or folder",
         path.string());
  }
  fail(ErrorCode::Unsupported, "{}: holds no dictionary in a layout that is known ({})",
       path.string(), fmt::join(dictionary_formats(), ", "));
}

/// Layers of several folders, by layer.
Builder joined(const fs::path& path, std::vector<Builder> parts) {
  Builder out = std::move(parts.front());
  for (std::size_t i = 1; i < parts.size(); ++i) {
    if (parts[i].info.kind != out.info.kind || parts[i].info.format != out.info.format) {
      fail(ErrorCode::InvalidArgument,
           "{}: holds dictionaries of several kinds ({} and {}); name one", path.string(),
           out.info.name, parts[i].info.name);
    }
    for (const DictionaryLayer& layer : out.layers) {
      if (layer.layer == parts[i].layers.front().layer) {
        fail(ErrorCode::InvalidArgument,
             "{}: holds several dictionaries for layer {} (one is {}); name one of them",
             path.string(), layer.layer, parts[i].info.name);
      }
    }
    out.add(std::move(parts[i]));
  }
  std::sort(out.layers.begin(), out.layers.end(),
            [](const DictionaryLayer& a, const DictionaryLayer& b) { return a.layer < b.layer; });
  out.info.name = path.string();
  return out;
}

/// Whether features are chosen by a k.
bool has_k(const DictionaryLayer& layer) {
  switch (layer.activation.kind) {
    case ActivationKind::TopK:
    case ActivationKind::AbsTopK:
    case ActivationKind::BatchTopK:
    case ActivationKind::GroupMax:
      return true;
    case ActivationKind::Relu:
    case ActivationKind::JumpRelu:
    case ActivationKind::Gated:
      break;
  }
  return false;
}

/// A k that would change nothing is a mistake of whoever gave it.
void check_k(const Builder& part, const LoadOptions& options) {
  if (options.k && !part.layers.empty() && !has_k(part.layers.front())) {
    fail(ErrorCode::InvalidArgument,
         "{}: its features fire by {}, which has no k to be {}; leave -k out", part.info.name,
         name_of(part.layers.front().activation.kind), *options.k);
  }
}

std::size_t bytes_of(const Dictionary& dictionary) {
  std::size_t sum = 0;
  for (const DictionaryLayer& layer : dictionary.layers()) {
    for (const ConstMatRef& m : {layer.w_enc.matrix, layer.w_dec, layer.w_skip.matrix}) {
      sum += m.rows * m.cols * size_of(m.dtype);
    }
  }
  return sum;
}

/// The first row with an element that is not finite; SIZE_MAX if there is none.
std::size_t bad_row(ConstMatRef m) {
  constexpr std::size_t kGrain = 64;
  std::atomic<std::size_t> first{SIZE_MAX};
  parallel_for(m.rows, kGrain, [&](std::size_t begin, std::size_t end) {
    std::vector<float> row(m.cols);
    for (std::size_t r = begin; r < end && r < first.load(); ++r) {
      convert(m.row_range(r, 1), {reinterpret_cast<std::byte*>(row.data()), 1, m.cols, m.cols});
      if (!std::all_of(row.begin(), row.end(), [](float x) { return std::isfinite(x); })) {
        std::size_t known = first.load();
        while (r < known && !first.compare_exchange_weak(known, r)) {
        }
      }
    }
  });
  return first.load();
}

void check_matrix(const Dictionary& dictionary, const DictionaryLayer& layer, ConstMatRef matrix,
                  std::string_view name) {
  if (!matrix) {
    return;
  }
  if (const std::size_t row = bad_row(matrix); row != SIZE_MAX) {
    fail(ErrorCode::CorruptData, "{}: layer {}: row {} of {} holds a number that is not finite",
         dictionary.info().name, layer.layer, row, name);
  }
}

}  // namespace

std::shared_ptr<const Dictionary> load_dictionary(const fs::path& path,
                                                  const LoadOptions& options) {
  std::vector<std::pair<PublishedFiles, const DictionaryFormat*>> found;
  find_all(path, 0, found);
  if (found.empty()) {
    refuse_unknown(path);
  }
  std::vector<Builder> parts;
  for (const auto& [files, format] : found) {
    parts.push_back(format->load(files, options));
    check_k(parts.back(), options);
  }
  auto dictionary =
      parts.size() == 1 ? parts.front().build() : joined(path, std::move(parts)).build();
  if (bytes_of(*dictionary) <= kScannedBytes) {
    check_weights(*dictionary);
  }
  return dictionary;
}

bool is_dictionary(const fs::path& path) {
  const bool may_be_model = fs::exists(path / "config.json");  // one with dictionaries inside, say
  if (!fs::is_directory(path) || may_be_model) {
    return format_of(PublishedFiles(path)) != nullptr;
  }
  std::vector<std::pair<PublishedFiles, const DictionaryFormat*>> found;
  find_all(path, 0, found);
  return !found.empty();
}

std::vector<std::string_view> dictionary_formats() {
  std::vector<std::string_view> out;
  for (const DictionaryFormat& format : format_table()) {
    if (std::find(out.begin(), out.end(), format.name) == out.end()) {
      out.push_back(format.name);
    }
  }
  return out;
}

void check_weights(const Dictionary& dictionary) {
  for (const DictionaryLayer& layer : dictionary.layers()) {
    check_matrix(dictionary, layer, layer.w_enc.matrix, "W_enc");
    check_matrix(dictionary, layer, layer.w_dec, "W_dec");
    check_matrix(dictionary, layer, layer.w_skip.matrix, "W_skip");
  }
}

}  // namespace cajal
