#include "train/random_copy.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "base/file.h"
#include "base/parallel.h"
#include "base/random.h"
#include "io/hash.h"
#include "io/safetensors_writer.h"
#include "train/model_folder.h"

namespace cajal {
namespace {

namespace fs = std::filesystem;

constexpr const char* kMark = "cajal_random_copy_of";           // in the metadata of the weights
constexpr std::uint64_t kMostCopied = std::uint64_t{1} << 30U;  // bytes of a file beside weights

bool is_weights(const fs::path& file) {
  const std::string name = file.filename().string();
  return name.ends_with(".safetensors") || name.ends_with(".safetensors.index.json") ||
         name.ends_with(".bin") || name.ends_with(".pt") || name.ends_with(".pth") ||
         name.ends_with(".gguf");
}

/// Names what is copied, and how.
std::string mark_of(const Safetensors& weights, std::uint64_t seed) {
  Hash hash;
  add_tensors(hash, weights.tensors());
  return fmt::format("{}, seed {}", hash.digits(), seed);
}

/// What a process that was killed leaves of a copy: weights come last.
bool has_begun(const fs::path& folder, const fs::path& model) {
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (is_weights(entry.path())) {
      return false;
    }
  }
  return read_file(folder / "config.json", kMostCopied) ==
         read_file(model / "config.json", kMostCopied);
}

/// Whether `folder` holds the copy of `model` that `mark` names. Throws InvalidArgument if it holds
/// another model.
bool is_there(const fs::path& folder, const fs::path& model, const std::string& mark) {
  const bool has_config = fs::exists(folder / "config.json");
  const bool has_weights = fs::exists(folder / "model.safetensors");
  if (!has_weights && (!has_config || has_begun(folder, model))) {
    return false;
  }
  if (has_weights) {
    const auto there = Safetensors::open(folder);
    for (const auto& [key, value] : there->metadata()) {
      if (key == kMark && value == mark) {
        return true;
      }
    }
  }
  fail(ErrorCode::InvalidArgument,
       "{}: holds another model than the random copy that is to be there; name another folder",
       folder.string());
}

std::uint64_t stream_of(const std::string& name) {
  return std::stoull(hash_of(name).substr(0, 16), nullptr, 16);
}

double mean_square(ConstMatRef m) {
  std::vector<double> sums(m.rows, 0.0);
  constexpr std::size_t kRows = 64;
  parallel_for(m.rows, kRows, [&](std::size_t begin, std::size_t end) {
    for (std::size_t r = begin; r < end; ++r) {
      for (std::size_t c = 0; c < m.cols; ++c) {
        sums[r] += element(m, r, c) * element(m, r, c);
      }
    }
  });
  double sum = 0.0;
  for (const double x : sums) {
    sum += x;
  }
  return sum / std::max(1.0, static_cast<double>(m.rows) * static_cast<double>(m.cols));
}

/// Normal numbers in place of those of `from`.
Matrix drawn(ConstMatRef from, const std::string& name, std::uint64_t seed) {
  const double size = std::sqrt(mean_square(from));
  check(std::isfinite(size), "tensor '{}' has numbers that are not finite", name);
  const std::uint64_t stream = stream_of(name);
  Matrix floats = Matrix::host(from.rows, from.cols, DType::F32);
  constexpr std::size_t kRows = 16;
  parallel_for(from.rows, kRows, [&](std::size_t begin, std::size_t end) {
    for (std::size_t r = begin; r < end; ++r) {
      const auto row = floats.as<float>().row(r);
      for (std::size_t c = 0; c < row.size(); ++c) {
        row[c] = static_cast<float>(size * random_normal(seed, stream, r * row.size() + c));
      }
    }
  });
  Matrix out = Matrix::host(from.rows, from.cols, from.dtype);
  convert(std::as_const(floats).ref(), out.ref());
  return out;
}

bool is_matrix(const StoredTensor& tensor) {
  const auto large = std::count_if(tensor.shape.begin(), tensor.shape.end(),
                                   [](std::size_t axis) { return axis > 1; });
  return large > 1;
}

void write_weights(const Safetensors& from, const fs::path& path, const std::string& mark,
                   std::uint64_t seed) {
  std::vector<TensorSpec> specs;
  for (const StoredTensor& tensor : from.tensors()) {
    const ConstMatRef seen = as_matrix(tensor);  // or it says which type it cannot have
    if (is_matrix(tensor) && seen.dtype != DType::F32 && seen.dtype != DType::BF16) {
      fail(ErrorCode::Unsupported, "{}: tensor '{}' is {}; copies are made of F32 and BF16",
           from.name(), tensor.name, tensor.type);
    }
    specs.push_back({tensor.name, seen.dtype, tensor.shape});
  }
  SafetensorsWriter out(path, std::move(specs), {{"format", "pt"}, {kMark, mark}});
  for (const TensorSpec& spec : out.order()) {
    const StoredTensor& tensor = from.at(spec.name);
    const ConstMatRef values = as_matrix(tensor);
    if (is_matrix(tensor)) {
      const Matrix random = drawn(values, tensor.name, seed);
      out.write(spec.name, random.ref());
    } else {
      out.write(spec.name, values);
    }
  }
  out.commit();
}

}  // namespace

void write_random_copy(const fs::path& model, const fs::path& folder, std::uint64_t seed) {
  if (!fs::is_directory(model)) {
    fail(ErrorCode::Unsupported,
         "{}: a random copy is made of a folder with safetensors, not of this", model.string());
  }
  const auto weights = Safetensors::open(model);
  const std::string mark = mark_of(*weights, seed);
  if (is_there(folder, model, mark)) {
    return;
  }
  make_folder(folder);
  remove_left_overs(folder);
  for (const auto& entry : fs::directory_iterator(model)) {
    if (entry.is_regular_file() && !is_weights(entry.path())) {
      write_file(folder / entry.path().filename(), read_file(entry.path(), kMostCopied));
    }
  }
  write_weights(*weights, folder / "model.safetensors", mark, seed);
}

}  // namespace cajal
