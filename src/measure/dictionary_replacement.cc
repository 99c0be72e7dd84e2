#include "measure/dictionary_replacement.h"

namespace cajal {
namespace {

template <typename T>
void add_rows(MatrixView<const T> from, T factor, MatrixView<T> to) {
  for (std::size_t r = 0; r < to.rows; ++r) {
    for (std::size_t c = 0; c < to.cols; ++c) {
      to.at(r, c) += factor * from.at(r, c);
    }
  }
}

Matrix copy_of(ConstMatRef from) {
  Matrix out = Matrix::host(from.rows, from.cols, from.dtype);
  convert(from, out.ref());
  return out;
}

}  // namespace

void add_scaled(ConstMatRef from, double factor, MatRef to) {
  check(from.rows == to.rows && from.cols == to.cols, "errors of {} x {} for rows of {} x {}",
        from.rows, from.cols, to.rows, to.cols);
  if (to.dtype == DType::F64) {
    add_rows(from.as<const double>(), factor, to.as<double>());
  } else {
    add_rows(from.as<const float>(), static_cast<float>(factor), to.as<float>());
  }
}

void DictionaryReplacement::replace(std::size_t site, ConstMatRef input, MatRef output) {
  codes_[site] = encode(backend_, dictionary_, site, input, precision_);
  decode(backend_, dictionary_, site, codes_, input, output);
  if (!errors_.empty()) {
    add_scaled(errors_[site].ref(), 1.0, output);
  }
}

DictionaryRecorder::DictionaryRecorder(Backend& backend, const Dictionary& dictionary,
                                       Precision precision)
    : backend_(backend),
      dictionary_(dictionary),
      precision_(precision),
      codes_(dictionary.layers().size()),
      targets_(codes_.size()),
      reconstructions_(codes_.size()) {}

void DictionaryRecorder::replace(std::size_t site, ConstMatRef input, MatRef output) {
  targets_[site] = copy_of(output);
  reconstructions_[site] = Matrix::host(output.rows, output.cols, output.dtype);
  codes_[site] = encode(backend_, dictionary_, site, input, precision_);
  decode(backend_, dictionary_, site, codes_, input, reconstructions_[site].ref());
}

Matrix DictionaryRecorder::error(std::size_t site) const {
  Matrix out = copy_of(targets_[site].ref());
  add_scaled(reconstructions_[site].ref(), -1.0, out.ref());
  return out;
}

std::vector<Matrix> DictionaryRecorder::errors() const {
  std::vector<Matrix> out;
  out.reserve(targets_.size());
  for (std::size_t site = 0; site < targets_.size(); ++site) {
    out.push_back(error(site));
  }
  return out;
}

void GivenRows::replace(std::size_t site, ConstMatRef, MatRef output) {
  check(rows_[site]->rows() == output.rows && rows_[site]->cols() == output.cols,
        "rows of {} x {} in place of {} x {}", rows_[site]->rows(), rows_[site]->cols(),
        output.rows, output.cols);
  convert(rows_[site]->ref(), output);
}

}  // namespace cajal
