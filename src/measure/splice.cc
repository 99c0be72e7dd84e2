#include "measure/splice.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace cajal {
namespace {

template <typename T>
void fill_rows(const std::vector<double>& row, MatrixView<T> out) {
  for (std::size_t r = 0; r < out.rows; ++r) {
    for (std::size_t c = 0; c < out.cols; ++c) {
      out.at(r, c) = row.empty() ? T{0} : static_cast<T>(row[c]);
    }
  }
}

void copy_row(ConstMatRef from, std::size_t r, MatRef to, std::size_t at) {
  std::memcpy(to.row_range(at, 1).data, from.row_range(r, 1).data, from.cols * size_of(from.dtype));
}

}  // namespace

void Ablation::replace(std::size_t site, ConstMatRef, MatRef output) {
  const std::vector<double> none;
  const std::vector<double>& row = rows_.empty() ? none : rows_[site];
  check(row.empty() || row.size() == output.cols, "a row of {} numbers for a point of {} columns",
        row.size(), output.cols);
  if (output.dtype == DType::F64) {
    fill_rows(row, output.as<double>());
  } else {
    fill_rows(row, output.as<float>());
  }
}

std::vector<std::size_t> rows_except(std::span<const TokenId> tokens,
                                     std::span<const TokenId> kept) {
  std::vector<std::size_t> out;
  for (std::size_t t = 0; t < tokens.size(); ++t) {
    if (std::find(kept.begin(), kept.end(), tokens[t]) == kept.end()) {
      out.push_back(t);
    }
  }
  return out;
}

Matrix gathered(ConstMatRef from, std::span<const std::size_t> rows) {
  Matrix out = Matrix::host(rows.size(), from.cols, from.dtype);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    copy_row(from, rows[i], out.ref(), i);
  }
  return out;
}

void scatter(ConstMatRef from, std::span<const std::size_t> rows, MatRef to) {
  check(from.rows == rows.size() && from.cols == to.cols && from.dtype == to.dtype,
        "rows of {} x {} for {} places of {} columns", from.rows, from.cols, rows.size(), to.cols);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    copy_row(from, i, to, rows[i]);
  }
}

Matrix spliced_logits(Backend& backend, const Model& model, const Batch& batch, Precision precision,
                      std::span<const DictionarySite> sites, std::span<const std::size_t> rows,
                      Replacement& replacement) {
  std::vector<Matrix> inputs(sites.size());
  PointSet points;
  for (std::size_t s = 0; s < sites.size(); ++s) {
    if (sites[s].input != sites[s].output) {
      points.read(sites[s].input, [&inputs, rows, s](ConstMatRef value, const PointContext&) {
        inputs[s] = gathered(value, rows);
      });
    }
    points.edit(sites[s].output, [&, s](MatRef value, const PointContext&) {
      Matrix output = gathered(value, rows);
      if (sites[s].input == sites[s].output) {
        inputs[s] = gathered(value, rows);
      }
      replacement.replace(s, std::as_const(inputs[s]).ref(), output.ref());
      scatter(output.ref(), rows, value);
      inputs[s] = Matrix();
    });
  }
  KvCache cache(model.config(), backend, batch.starts.size() - 1);
  return model.forward(backend, batch, cache,
                       {.precision = precision, .logits = LogitRows::All, .points = &points});
}

}  // namespace cajal
