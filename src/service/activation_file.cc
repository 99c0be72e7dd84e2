#include "service/activation_file.h"

#include "base/error.h"

namespace cajal {

const StoredTensor& ActivationFile::tensor(const std::string& name) const {
  if (!name.empty()) {
    return file_->at(name);
  }
  check(file_->tensors().size() == 1, "{}: holds {} tensors; say which with --tensor",
        file_->name(), file_->tensors().size());
  return file_->tensors().front();
}

std::vector<ConstMatRef> ActivationFile::matrices(const std::string& name, std::size_t layers,
                                                  std::size_t width) const {
  const StoredTensor& from = tensor(name);
  const ConstMatRef all = as_matrix(from);
  check(is_float(all.dtype), "{}: tensor '{}' holds {}, not floating-point numbers", file_->name(),
        printable(from.name), from.type);
  const std::size_t axes = from.shape.size();
  const bool has_layers = layers > 1;
  check(!has_layers || (axes >= 3 && from.shape[0] == layers),
        "{}: tensor '{}' has the shape {}, but should begin with the {} layers of the dictionary; "
        "say which layer it is for with --layer",
        file_->name(), printable(from.name), shape_text(from.shape), layers);
  const std::size_t elements = all.rows * all.cols / layers;
  check(axes >= 1 && width != 0 && elements % width == 0 && elements != 0 &&
            (from.shape.back() == width || from.shape[has_layers ? 1 : 0] == elements / width),
        "{}: tensor '{}' has the shape {}, which is not tokens of {} numbers each", file_->name(),
        printable(from.name), shape_text(from.shape), width);
  std::vector<ConstMatRef> out;
  out.reserve(layers);
  for (std::size_t l = 0; l < layers; ++l) {
    out.push_back(
        {all.data + l * elements * size_of(all.dtype), elements / width, width, width, all.dtype});
  }
  return out;
}

bool ActivationFile::has_layers(const std::string& name, std::size_t layers,
                                std::size_t width) const {
  const std::vector<std::size_t>& shape = tensor(name).shape;
  return shape.size() == 3 && shape[0] == layers && shape[2] == width;
}

}  // namespace cajal
