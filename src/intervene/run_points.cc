// Points: what is frozen, changed without a dictionary, and recorded.
#include <algorithm>

#include "dictionary/encode.h"
#include "intervene/frozen_norms.h"
#include "intervene/run.h"
#include "tensor/host_matrix.h"

namespace cajal {
namespace {

void append_rows(const SparseRows& rows, std::size_t empty, SparseRows& into) {
  into.cols = rows.cols;
  for (std::size_t r = 0; r < rows.rows(); ++r) {
    const SparseRows::Row row = rows.row(r);
    for (std::size_t i = 0; r >= empty && i < row.size(); ++i) {
      into.append(row.columns[i], row.values[i]);
    }
    into.end_row();
  }
}

void append_rows(ConstMatRef rows, std::size_t empty, Matrix& into) {
  Matrix out = Matrix::host(into.rows() + rows.rows, rows.cols, rows.dtype);
  if (!into.empty()) {
    convert(into.ref(), out.ref().row_range(0, into.rows()));
  }
  const MatRef added = out.ref().row_range(into.rows(), rows.rows);
  convert(rows, added);
  const std::size_t none = std::min(empty, rows.rows);
  add_scaled_rows(rows.row_range(0, none), -1.0, added.row_range(0, none));
  into = std::move(out);
}

/// An edit that needs nothing but numbers.
RowEdit row_edit(const PointEdit& edit, std::size_t prompt) {
  RowEdit row;
  row.begin = static_cast<std::int32_t>(edit.positions.begin);
  row.end = edit.positions.end ? static_cast<std::int32_t>(*edit.positions.end) : INT32_MAX;
  if (edit.positions.kind != Positions::Kind::Range) {
    const bool last = edit.positions.kind == Positions::Kind::Last;
    row.begin = static_cast<std::int32_t>(last ? prompt - 1 : prompt);
    row.end = last ? static_cast<std::int32_t>(prompt) : INT32_MAX;
  }
  if (edit.change.kind == ChangeKind::Scale) {
    row.kind = EditKind::Scale;
    row.factor = edit.change.value;
    return row;
  }
  row.kind = edit.change.kind == ChangeKind::Add ? EditKind::Add : EditKind::Set;
  row.value = edit.direction.empty() ? std::vector<double>{1.0} : edit.direction;
  for (double& x : row.value) {
    x *= edit.change.value;
  }
  return row;
}

/// Puts `factor` times the other prompt's rows in their place. [donor.rows] are those of `prompt`
/// tokens, head by head where the point is an attention pattern.
void take_rows(const PointEdit& edit, ConstMatRef donor, std::size_t prompt, MatRef value,
               const PointContext& context) {
  const std::size_t tokens = context.positions.size();
  for (std::size_t r = 0; r < value.rows; ++r) {
    const auto position = static_cast<std::size_t>(context.positions[r % tokens]);
    if (position < prompt && edit.positions.includes(position, prompt)) {
      const MatRef row = value.row_range(r, 1);
      add_scaled_rows(host_copy(row).ref(), -1.0, row);
      add_scaled_rows(donor.row_range(r / tokens * prompt + position, 1), edit.change.value, row);
    }
  }
}

}  // namespace

void InterventionRun::freeze() {
  const Frozen& frozen = interventions_.frozen;
  for (std::size_t l = 0; l < model_->config().layers && (frozen.attention || frozen.layers); ++l) {
    freeze_pattern({PointKind::AttnProbs, l});
  }
  for (const NormSite& site : norms_of(*model_)) {
    if (freezes_all()) {
      norms_.push_back(freeze_norm(*model_, site, clean_, points_));
    }
  }
  for (std::size_t l = 0; l < model_->config().layers; ++l) {
    if (is_frozen(l)) {
      points_.edit(output_of(l), [this, l](MatRef value, const PointContext& context) {
        hold_output(l, value, context);
      });
    }
  }
}

void InterventionRun::freeze_pattern(Point point) {
  const Matrix& clean = clean_.at.at(point);
  points_.edit(point, [this, &clean](MatRef value, const PointContext& context) {
    if (is_prompt(context)) {
      convert(clean.ref(), value);
    }
  });
}

void InterventionRun::compile_points() {
  for (const PointEdit& edit : interventions_.points) {
    compile_point(edit);
  }
}

void InterventionRun::compile_point(const PointEdit& edit) {
  const Point point = parse_point(edit.point, model_->config());
  if (edit.change.kind != ChangeKind::From) {
    points_.edit(point, row_edit(edit, prompt_.size()));
    return;
  }
  const Matrix& donor = donor_.at.at(point);
  points_.edit(point, [this, edit, &donor](MatRef value, const PointContext& context) {
    if (is_prompt(context)) {
      take_rows(edit, donor.ref(), prompt_.size(), value, context);
    }
  });
}

void InterventionRun::compile_records() {
  for (std::size_t i = 0; i < sites_.size() && options_.record != Record::Nothing; ++i) {
    points_.read(sites_[i].input, [this, i](ConstMatRef value, const PointContext& context) {
      record(i, value, context);
    });
  }
}

void InterventionRun::record(std::size_t index, ConstMatRef value, const PointContext& context) {
  const std::size_t empty = is_prompt(context) ? options_.first_position : 0;
  if (options_.record == Record::Activations) {
    append_rows(encode(backend_, *dictionary_, index, value, options_.precision), empty,
                activations_[index]);
  } else {
    append_rows(preactivations(backend_, *dictionary_, index, value, options_.precision).ref(),
                empty, preactivations_[index]);
  }
}

}  // namespace cajal
