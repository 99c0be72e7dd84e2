// What a training has gone through, step by step, and how it is shown: a table and a curve.
#pragma once

#include <cstddef>
#include <limits>
#include <string>
#include <vector>

#include "tensor/matrix.h"

namespace cajal {

struct HistoryRow {
  std::size_t step = 0;    // counted from 1
  std::size_t tokens = 0;  // predictions learned from so far, this step's included
  double learning_rate = 0.0;
  double loss = 0.0;           // mean of the step's predictions, before its update
  double gradient_norm = 0.0;  // before clipping
  double heldout = std::numeric_limits<double>::quiet_NaN();  // mean loss; NaN: not measured here
  friend bool operator==(const HistoryRow&, const HistoryRow&) = default;
};

/// A cell of a table: empty where the number is NaN.
std::string cell(double x);

using History = std::vector<HistoryRow>;

/// "step,tokens,learning_rate,loss,gradient_norm,heldout_loss" and a line for each row.
std::string to_csv(const History& history);

/// Both losses over the steps, for a browser.
std::string to_svg(const History& history);

/// [rows, 6] of F64, and back. Throws CorruptData naming `where` for another shape or type.
Matrix to_matrix(const History& history);
History history_from(ConstMatRef matrix, const std::string& where);

}  // namespace cajal
