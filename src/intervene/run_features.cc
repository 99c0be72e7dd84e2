// Features: how far each is off what is wanted, and what that adds to the model.
#include <algorithm>
#include <map>

#include "dictionary/encode.h"
#include "intervene/run.h"
#include "tensor/host_matrix.h"

namespace cajal {
namespace {

/// The value of a column, 0 where it is not stored.
double stored_value(const SparseRows::Row& row, std::size_t column) {
  const auto at = std::lower_bound(row.columns.begin(), row.columns.end(), column);
  return at == row.columns.end() || *at != column
             ? 0.0
             : static_cast<double>(row.values[static_cast<std::size_t>(at - row.columns.begin())]);
}

}  // namespace

double InterventionRun::code_at(const Codes& codes, std::size_t index, std::size_t position,
                                std::size_t feature) const {
  return position < options_.first_position ? 0.0
                                            : stored_value(codes[index].row(position), feature);
}

void InterventionRun::compile_features() {
  if (interventions_.features.empty()) {
    // Skip paths of frozen layers still look at their input.
    for (std::size_t i = 0; i < sites_.size() && interventions_.frozen.layers; ++i) {
      points_.read(sites_[i].input, [this, i](ConstMatRef value, const PointContext&) {
        inputs_[i] = host_copy(value);
      });
    }
    return;
  }
  for (std::size_t i = 0; i < sites_.size(); ++i) {
    const auto input = [this, i](ConstMatRef value, const PointContext& context) {
      read_input(i, value, context);
    };
    if (sites_[i].input == sites_[i].output) {  // it is read before it is changed
      points_.edit(sites_[i].input, input);
    } else {
      points_.read(sites_[i].input, input);
    }
    points_.edit(sites_[i].output, [this, i](MatRef value, const PointContext& context) {
      write_deltas(i, value, context);
    });
  }
}

void InterventionRun::read_input(std::size_t index, ConstMatRef value,
                                 const PointContext& context) {
  inputs_[index] = host_copy(value);
  deltas_[index].clear();
  if (edits_features_of(index)) {
    find_deltas(index, context);
  }
}

void InterventionRun::find_deltas(std::size_t index, const PointContext& context) {
  SparseRows now;
  if (!is_constrained(context)) {
    now = encode(backend_, *dictionary_, index, inputs_[index].ref(), options_.precision);
  }
  std::map<std::pair<std::size_t, std::size_t>, double> found;  // the last edit of a place counts
  for (const FeatureEdit& edit : interventions_.features) {
    for (std::size_t r = 0; r < context.positions.size(); ++r) {
      const auto position = static_cast<std::size_t>(context.positions[r]);
      const bool there = edit.change.kind != ChangeKind::From || position < prompt_.size();
      if (edit.layer == dictionary_->layers()[index].layer && there &&
          edit.positions.includes(position, prompt_.size())) {
        const double current = current_value(index, r, edit.feature, now, context);
        found[{r, edit.feature}] = wanted(edit, index, position, current) - current;
      }
    }
  }
  for (const auto& [place, amount] : found) {
    deltas_[index].push_back({place.first, place.second, amount});
  }
}

/// What an edit starts from: `now`, or what it is in the unchanged model.
double InterventionRun::current_value(std::size_t index, std::size_t row, std::size_t feature,
                                      const SparseRows& now, const PointContext& context) const {
  const auto position = static_cast<std::size_t>(context.positions[row]);
  if (is_constrained(context)) {
    return code_at(clean_codes_, index, position, feature);
  }
  return position < options_.first_position ? 0.0 : stored_value(now.row(row), feature);
}

/// What the feature is to be; `current` is what it is without this edit.
double InterventionRun::wanted(const FeatureEdit& edit, std::size_t index, std::size_t position,
                               double current) const {
  const auto reference = [&] {
    return position < prompt_.size() ? code_at(clean_codes_, index, position, edit.feature)
                                     : current;
  };
  switch (edit.change.kind) {
    case ChangeKind::Scale:
      return reference() * edit.change.value;
    case ChangeKind::Add:
      return reference() + edit.change.value;
    case ChangeKind::From:
      return code_at(donor_codes_, index, position, edit.feature) * edit.change.value;
    case ChangeKind::Set:
      break;
  }
  return edit.change.value;
}

/// The MLP's unchanged output, plus what a skip path makes of a changed input.
void InterventionRun::hold_output(std::size_t layer, MatRef value, const PointContext& context) {
  if (!is_prompt(context)) {
    return;
  }
  convert(clean_.at.at(output_of(layer)).ref(), value);
  const auto index = dictionary_ == nullptr ? std::nullopt : dictionary_->index_of(layer);
  if (!index || !dictionary_->layers()[*index].w_skip ||
      sites_[*index].output != output_of(layer)) {
    return;
  }
  Matrix change = host_copy(inputs_[*index].ref());
  add_scaled_rows(clean_.at.at(sites_[*index].input).ref(), -1.0, change.ref());
  const StoredMatrix& skip = dictionary_->layers()[*index].w_skip;
  ops::gemm(backend_,
            {.a = change.ref(),
             .b = skip.matrix,
             .out = value,
             .transpose_b = skip.transposed == Transpose::No ? Transpose::Yes : Transpose::No,
             .beta = 1.0});
}

void InterventionRun::write_deltas(std::size_t target, MatRef value, const PointContext& context) {
  if (is_constrained(context) && !is_frozen(dictionary_->layers()[target].layer)) {
    return;
  }
  const auto [begin, end] = dictionary_->sources_of(target);
  for (std::size_t source = begin; source < end; ++source) {
    for (const Delta& delta : deltas_[source]) {
      const double factor = decoder_factor(*dictionary_, source, delta.feature, target,
                                           inputs_[target].ref().row_range(delta.row, 1));
      add_scaled_rows(dictionary_->decoder_row(source, delta.feature, target),
                      delta.amount * factor, value.row_range(delta.row, 1));
    }
  }
}

}  // namespace cajal
