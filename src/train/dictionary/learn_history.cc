#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "base/error.h"
#include "train/dictionary/learn.h"
#include "train/history.h"

namespace cajal {
namespace {

constexpr std::size_t kLearnColumns = 7;
constexpr std::size_t kPerLayer = 3;

}  // namespace

double LearnRow::heldout_fvu() const {
  double sum = 0.0;
  for (const LayerFigures& layer : heldout) {
    sum += layer.fvu;
  }
  return heldout.empty() ? std::numeric_limits<double>::quiet_NaN()
                         : sum / static_cast<double>(heldout.size());
}

std::string to_csv(const LearnHistory& history) {
  std::string out = "step,tokens,learning_rate,loss,fvu,l0,dead,heldout_fvu\n";
  for (const LearnRow& row : history) {
    out +=
        fmt::format("{},{},{},{},{},{},{},{}\n", row.step, row.tokens, cell(row.learning_rate),
                    cell(row.loss), cell(row.fvu), cell(row.l0), row.dead, cell(row.heldout_fvu()));
  }
  return out;
}

std::string layers_csv(const LearnHistory& history, std::span<const std::size_t> layers) {
  std::string out = "step,layer,fvu,l0,dead\n";
  for (const LearnRow& row : history) {
    for (std::size_t i = 0; i < row.heldout.size(); ++i) {
      const LayerFigures& one = row.heldout[i];
      out += fmt::format("{},{},{},{},{}\n", row.step, layers[i], cell(one.fvu), cell(one.l0),
                         one.dead);
    }
  }
  return out;
}

Matrix to_matrix(const LearnHistory& history, std::size_t layers) {
  Matrix out = Matrix::host(history.size(), kLearnColumns + kPerLayer * layers, DType::F64);
  for (std::size_t r = 0; r < history.size(); ++r) {
    const LearnRow& row = history[r];
    const double values[kLearnColumns] = {static_cast<double>(row.step),
                                          static_cast<double>(row.tokens),
                                          row.learning_rate,
                                          row.loss,
                                          row.fvu,
                                          row.l0,
                                          static_cast<double>(row.dead)};
    const auto to = out.as<double>().row(r);
    std::ranges::fill(to, std::numeric_limits<double>::quiet_NaN());
    std::ranges::copy(values, to.begin());
    for (std::size_t i = 0; i < row.heldout.size(); ++i) {
      const std::size_t at = kLearnColumns + kPerLayer * i;
      to[at] = row.heldout[i].fvu;
      to[at + 1] = row.heldout[i].l0;
      to[at + 2] = static_cast<double>(row.heldout[i].dead);
    }
  }
  return out;
}

LearnHistory learn_history_from(ConstMatRef matrix, std::size_t layers, const std::string& where) {
  const std::size_t cols = kLearnColumns + kPerLayer * layers;
  if (matrix.cols != cols || matrix.dtype != DType::F64) {
    fail(ErrorCode::CorruptData, "{}: the history is {} with {} columns, not F64 with {}", where,
         name_of(matrix.dtype), matrix.cols, cols);
  }
  LearnHistory out;
  for (std::size_t r = 0; r < matrix.rows; ++r) {
    const auto row = matrix.as<const double>().row(r);
    out.push_back({.step = static_cast<std::size_t>(row[0]),
                   .tokens = static_cast<std::size_t>(row[1]),
                   .learning_rate = row[2],
                   .loss = row[3],
                   .fvu = row[4],
                   .l0 = row[5],
                   .dead = static_cast<std::size_t>(row[6]),
                   .heldout = {}});
    for (std::size_t i = 0; i < layers && !std::isnan(row[kLearnColumns + kPerLayer * i]); ++i) {
      const auto at = row.subspan(kLearnColumns + kPerLayer * i, kPerLayer);
      out.back().heldout.push_back({at[0], at[1], static_cast<std::size_t>(at[2])});
    }
  }
  return out;
}

}  // namespace cajal
