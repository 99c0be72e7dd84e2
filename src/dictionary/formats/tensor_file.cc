#include "dictionary/formats/tensor_file.h"

#include <algorithm>

#include "base/error.h"
#include "io/npz.h"
#include "io/safetensors.h"
#include "io/torch_file.h"

namespace cajal {

bool TensorFile::is_one(const std::filesystem::path& path) {
  const std::string ending = path.extension().string();
  return ending == ".safetensors" || ending == ".npz" || ending == ".pt" || ending == ".pth";
}

std::shared_ptr<const TensorFile> TensorFile::open(const std::filesystem::path& path) {
  std::shared_ptr<TensorFile> out(new TensorFile());
  out->name_ = path.string();
  const auto add_all = [&](const auto& file) {
    for (const StoredTensor& tensor : file->tensors()) {
      out->tensors_.push_back(&tensor);
    }
    out->owners_.push_back(file);
  };
  const std::string ending = path.extension().string();
  if (ending == ".safetensors") {
    add_all(Safetensors::open(path));
  } else if (ending == ".npz") {
    const auto archive = Npz::open(path);
    for (const std::string& name : archive->names()) {
      const auto array = archive->read(name);
      out->tensors_.push_back(&array->tensor());
      out->owners_.push_back(array);
    }
    out->owners_.push_back(archive);
  } else if (ending == ".pt" || ending == ".pth") {
    const auto file = TorchFile::open(path);
    add_all(file);
    if (file->values().is_object()) {
      out->values_ = file->values();
    }
  } else {
    fail(ErrorCode::Unsupported, "{}: holds no tensors: it is no .safetensors, .npz or .pt file",
         out->name_);
  }
  return out;
}

const StoredTensor* TensorFile::find(std::string_view name) const noexcept {
  const auto found = std::find_if(tensors_.begin(), tensors_.end(),
                                  [&](const StoredTensor* tensor) { return tensor->name == name; });
  return found == tensors_.end() ? nullptr : *found;
}

const StoredTensor& TensorFile::at(std::string_view name) const {
  const StoredTensor* found = find(name);
  if (found == nullptr) {
    fail(ErrorCode::CorruptData, "{}: has no tensor '{}'", name_, name);
  }
  return *found;
}

bool TensorFile::has(std::initializer_list<std::string_view> names) const noexcept {
  return std::all_of(names.begin(), names.end(),
                     [&](std::string_view name) { return find(name) != nullptr; });
}

void TensorFile::allow_only(std::initializer_list<std::string_view> names) const {
  for (const StoredTensor* tensor : tensors_) {
    if (std::find(names.begin(), names.end(), tensor->name) == names.end()) {
      fail(ErrorCode::Unsupported,
           "{}: has a tensor '{}', which this layout is not known to have; ignoring it could give "
           "wrong features",
           name_, printable(tensor->name));
    }
  }
}

}  // namespace cajal
