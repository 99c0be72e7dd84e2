#include "train/history.h"

#include <cmath>

#include <fmt/format.h>

#include "base/error.h"

namespace cajal {
namespace {

constexpr std::size_t kGrowColumns = 6;

}  // namespace

std::string cell(double x) {
  return std::isnan(x) ? std::string() : fmt::format("{}", x);
}

std::string to_csv(const History& history) {
  std::string out = "step,tokens,learning_rate,loss,gradient_norm,heldout_loss\n";
  for (const HistoryRow& row : history) {
    out += fmt::format("{},{},{},{},{},{}\n", row.step, row.tokens, cell(row.learning_rate),
                       cell(row.loss), cell(row.gradient_norm), cell(row.heldout));
  }
  return out;
}

Matrix to_matrix(const History& history) {
  Matrix out = Matrix::host(history.size(), kGrowColumns, DType::F64);
  for (std::size_t i = 0; i < history.size(); ++i) {
    const HistoryRow& row = history[i];
    const double values[kGrowColumns] = {static_cast<double>(row.step),
                                         static_cast<double>(row.tokens),
                                         row.learning_rate,
                                         row.loss,
                                         row.gradient_norm,
                                         row.heldout};
    std::copy(std::begin(values), std::end(values), out.as<double>().row(i).begin());
  }
  return out;
}

History history_from(ConstMatRef matrix, const std::string& where) {
  if (matrix.cols != kGrowColumns || matrix.dtype != DType::F64) {
    fail(ErrorCode::CorruptData, "{}: the history is {} with {} columns, not F64 with {}", where,
         name_of(matrix.dtype), matrix.cols, kGrowColumns);
  }
  History out;
  for (std::size_t i = 0; i < matrix.rows; ++i) {
    const auto row = matrix.as<const double>().row(i);
    out.push_back({static_cast<std::size_t>(row[0]), static_cast<std::size_t>(row[1]), row[2],
                   row[3], row[4], row[5]});
  }
  return out;
}

}  // namespace cajal
