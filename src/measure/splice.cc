#include "measure/splice.h"

#include <memory>
#include <utility>

#include "tensor/gather.h"

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

PointSet splice_points(std::vector<DictionarySite> sites, const RowsOf& rows,
                       Replacement& replacement) {
  PointSet points;
  const auto inputs = std::make_shared<std::vector<Matrix>>(sites.size());
  for (std::size_t s = 0; s < sites.size(); ++s) {
    const DictionarySite site = sites[s];
    if (site.input != site.output) {
      points.read(site.input, [inputs, rows, s](ConstMatRef value, const PointContext& context) {
        (*inputs)[s] = gathered(value, rows(context));
      });
    }
    points.edit(site.output, [=, &replacement](MatRef value, const PointContext& context) {
      const std::vector<std::size_t> which = rows(context);
      Matrix output = gathered(value, which);
      if (site.input == site.output) {
        (*inputs)[s] = gathered(value, which);
      }
      if (!which.empty()) {
        replacement.replace(s, std::as_const((*inputs)[s]).ref(), output.ref());
        scatter(output.ref(), which, value);
      }
      (*inputs)[s] = Matrix();
    });
  }
  return points;
}

Matrix spliced_logits(Backend& backend, const Model& model, const Batch& batch, Precision precision,
                      std::span<const DictionarySite> sites, std::span<const std::size_t> rows,
                      Replacement& replacement) {
  const PointSet points = splice_points(
      {sites.begin(), sites.end()},
      [rows](const PointContext&) { return std::vector<std::size_t>(rows.begin(), rows.end()); },
      replacement);
  KvCache cache(model.config(), backend, batch.starts.size() - 1);
  return model.forward(backend, batch, cache,
                       {.precision = precision, .logits = LogitRows::All, .points = &points});
}

}  // namespace cajal
