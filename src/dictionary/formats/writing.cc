#include "dictionary/formats/writing.h"

#include <algorithm>

#include "base/error.h"
#include "dictionary/formats/naming.h"
#include "tensor/transpose.h"

namespace cajal {
namespace {

/// A copy in a type that files have, turned over if asked.
Matrix copy_of(ConstMatRef from, bool turned) {
  Matrix out =
      Matrix::host(from.rows, from.cols, from.dtype == DType::F64 ? DType::F32 : from.dtype);
  convert(from, out.ref());
  return turned ? transposed(std::as_const(out).ref()) : std::move(out);
}

}  // namespace

void TensorList::add(std::string name, const StoredMatrix& matrix, Transpose transposed) {
  const bool turned = matrix.transposed != transposed;
  ConstMatRef written = matrix.matrix;
  if (turned || written.dtype == DType::F64) {
    made_.push_back(copy_of(written, turned));
    written = std::as_const(made_.back()).ref();
  }
  tensors_.push_back({std::move(name), written});
}

void TensorList::add(std::string name, std::span<const float> values) {
  Matrix row = Matrix::host(1, values.size(), DType::F32);
  std::copy(values.begin(), values.end(), row.as<float>().row(0).begin());
  made_.push_back(std::move(row));
  tensors_.push_back(
      {std::move(name), std::as_const(made_.back()).ref(), std::vector{values.size()}});
}

std::string hook_of(const std::string& point, const SaveOptions& options) {
  std::string_view stem = point;
  stem = stem.substr(0, stem.rfind('.'));
  if (options.plain_branches && (stem == "mlp_out" || stem == "attn_out")) {
    // The same value where nothing follows it, by the hook that is better known.
    return hook_of_point(fmt::format("{}_post{}", stem, point.substr(stem.size())));
  }
  return hook_of_point(point);
}

void fail_format(const Dictionary& dictionary, const DictionaryLayer& layer,
                 std::string_view format, std::string_view what) {
  fail(ErrorCode::InvalidArgument, "{}: layer {}: {} cannot be written in the layout of {}",
       dictionary.info().name, layer.layer, what, format);
}

std::vector<float> thresholds_from_zero(const ActivationFunction& activation) {
  std::vector<float> out = activation.threshold;
  if (!activation.keeps_negative) {
    std::transform(out.begin(), out.end(), out.begin(), [](float t) { return std::max(t, 0.0F); });
  }
  return out;
}

}  // namespace cajal
