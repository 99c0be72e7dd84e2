#include "intervene/run.h"

#include <algorithm>
#include <array>
#include <map>

#include "base/error.h"
#include "dictionary/encode.h"
#include "intervene/frozen_norms.h"

namespace cajal {
namespace {

/// The value of a column, 0 where it is not stored.
double stored_value(const SparseRows::Row& row, std::size_t column) {
  const auto at = std::lower_bound(row.columns.begin(), row.columns.end(), column);
  return at == row.columns.end() || *at != column
             ? 0.0
             : static_cast<double>(row.values[static_cast<std::size_t>(at - row.columns.begin())]);
}

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

}  // namespace

InterventionRun::InterventionRun(Backend& backend, std::shared_ptr<const Model> model,
                                 std::shared_ptr<const Dictionary> dictionary,
                                 std::vector<TokenId> prompt, Interventions interventions,
                                 const InterventionOptions& options)
    : backend_(backend),
      model_(std::move(model)),
      dictionary_(std::move(dictionary)),
      prompt_(std::move(prompt)),
      interventions_(std::move(interventions)),
      options_(options) {
  check_interventions(interventions_, model_->config(), dictionary_.get(), prompt_.size(),
                      !options_.donor.empty());
  check(options_.donor.empty() || options_.donor.size() == prompt_.size(),
        "the other prompt has {} tokens and this one {}: positions only correspond if both are as "
        "long",
        options_.donor.size(), prompt_.size());
  if (dictionary_ != nullptr) {
    sites_ = sites_of(*dictionary_, model_->config());
    inputs_.resize(sites_.size());
    deltas_.resize(sites_.size());
    activations_.resize(sites_.size());
    preactivations_.resize(sites_.size());
  }
  if (const std::vector<Point> points = clean_points(); !points.empty()) {
    clean_ = read_prompt(backend_, *model_, prompt_, points, options_.precision);
    clean_codes_ = codes_of(clean_);
  }
  if (has_from()) {
    donor_ = read_prompt(backend_, *model_, options_.donor, donor_points(), options_.precision);
    donor_codes_ = codes_of(donor_);
  }
  freeze();
  compile_features();
  compile_points();
  compile_records();
}

InterventionRun::~InterventionRun() = default;

bool InterventionRun::edits_features_of(std::size_t index) const {
  const std::size_t layer = dictionary_->layers()[index].layer;
  return std::any_of(interventions_.features.begin(), interventions_.features.end(),
                     [layer](const FeatureEdit& edit) { return edit.layer == layer; });
}

bool InterventionRun::needs_clean_codes() const {
  const auto& edits = interventions_.features;
  return !edits.empty() && (interventions_.frozen.layers.has_value() ||
                            std::any_of(edits.begin(), edits.end(), [](const FeatureEdit& edit) {
                              return edit.change.kind == ChangeKind::Scale ||
                                     edit.change.kind == ChangeKind::Add;
                            }));
}

bool InterventionRun::has_from() const {
  const auto is_from = [](const auto& edit) { return edit.change.kind == ChangeKind::From; };
  return std::any_of(interventions_.features.begin(), interventions_.features.end(), is_from) ||
         std::any_of(interventions_.points.begin(), interventions_.points.end(), is_from);
}

bool InterventionRun::freezes_all() const {
  const auto& layers = interventions_.frozen.layers;
  return layers && layers->first == 0 && layers->second == model_->config().layers;
}

/// Where what an MLP gives is held: where the dictionary writes, or where it is added.
Point InterventionRun::output_of(std::size_t layer) const {
  const auto is_mlp = [](PointKind kind) {
    return kind == PointKind::MlpOut || kind == PointKind::MlpOutPost;
  };
  const bool post = model_->config().branch_is_changed();
  const PointKind added = post ? PointKind::MlpOutPost : PointKind::MlpOut;
  return {
      !sites_.empty() && is_mlp(sites_.front().output.kind) ? sites_.front().output.kind : added,
      layer};
}

std::vector<Point> InterventionRun::clean_points() const {
  const Frozen& frozen = interventions_.frozen;
  std::vector<Point> out;
  for (std::size_t l = 0; l < model_->config().layers; ++l) {
    if (frozen.attention || frozen.layers) {
      out.push_back({PointKind::AttnProbs, l});
    }
    if (is_frozen(l)) {
      out.push_back(output_of(l));
    }
  }
  for (std::size_t i = 0; i < sites_.size(); ++i) {
    if (frozen.layers || (needs_clean_codes() && edits_features_of(i))) {
      out.push_back(sites_[i].input);
    }
  }
  for (const NormSite& site : norms_of(*model_)) {
    if (freezes_all()) {
      out.push_back(site.input);
    }
  }
  return out;
}

std::vector<Point> InterventionRun::donor_points() const {
  std::vector<Point> out;
  for (std::size_t i = 0; i < sites_.size(); ++i) {
    if (edits_features_of(i)) {
      out.push_back(sites_[i].input);
    }
  }
  for (const PointEdit& edit : interventions_.points) {
    if (edit.change.kind == ChangeKind::From) {
      out.push_back(parse_point(edit.point, model_->config()));
    }
  }
  return out;
}

InterventionRun::Codes InterventionRun::codes_of(const PromptValues& values) const {
  Codes out(sites_.size());
  for (std::size_t i = 0; i < sites_.size(); ++i) {
    const auto x = values.at.find(sites_[i].input);
    if (edits_features_of(i) && x != values.at.end()) {
      out[i] = encode(backend_, *dictionary_, i, x->second.ref(), options_.precision);
    }
  }
  return out;
}

double InterventionRun::code_at(const Codes& codes, std::size_t index, std::size_t position,
                                std::size_t feature) const {
  return position < options_.first_position ? 0.0
                                            : stored_value(codes[index].row(position), feature);
}

void InterventionRun::freeze() {
  const Frozen& frozen = interventions_.frozen;
  for (std::size_t l = 0; l < model_->config().layers && (frozen.attention || frozen.layers); ++l) {
    const Point point = {PointKind::AttnProbs, l};
    points_.edit(point,
                 [this, &clean = clean_.at.at(point)](MatRef value, const PointContext& context) {
                   if (is_prompt(context)) {
                     convert(clean.ref(), value);
                   }
                 });
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
  const std::size_t layer = dictionary_->layers()[index].layer;
  const bool clean = is_constrained(context);
  SparseRows now;
  if (!clean) {
    now = encode(backend_, *dictionary_, index, inputs_[index].ref(), options_.precision);
  }
  std::map<std::pair<std::size_t, std::size_t>, double> found;  // the last edit of a place counts
  for (std::size_t r = 0; r < context.positions.size(); ++r) {
    const auto position = static_cast<std::size_t>(context.positions[r]);
    for (const FeatureEdit& edit : interventions_.features) {
      const bool taken = edit.change.kind != ChangeKind::From || position < prompt_.size();
      if (edit.layer != layer || !taken || !edit.positions.includes(position, prompt_.size())) {
        continue;
      }
      double current = 0.0;
      if (clean) {
        current = code_at(clean_codes_, index, position, edit.feature);
      } else if (position >= options_.first_position) {
        current = stored_value(now.row(r), edit.feature);
      }
      found[{r, edit.feature}] = wanted(edit, index, position, current) - current;
    }
  }
  for (const auto& [place, amount] : found) {
    deltas_[index].push_back({place.first, place.second, amount});
  }
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

void InterventionRun::compile_points() {
  for (const PointEdit& edit : interventions_.points) {
    compile_point(edit);
  }
}

void InterventionRun::compile_point(const PointEdit& edit) {
  const Point point = parse_point(edit.point, model_->config());
  if (edit.change.kind == ChangeKind::From) {
    const Matrix& donor = donor_.at.at(point);
    points_.edit(point, [this, edit, &donor](MatRef value, const PointContext& context) {
      const std::size_t tokens = context.positions.size();
      for (std::size_t r = 0; is_prompt(context) && r < value.rows; ++r) {
        const auto position = static_cast<std::size_t>(context.positions[r % tokens]);
        if (!edit.positions.includes(position, prompt_.size())) {
          continue;
        }
        const std::size_t head = r / tokens;  // attention patterns have T rows for each head
        const MatRef row = value.row_range(r, 1);
        add_scaled_rows(host_copy(row).ref(), -1.0, row);
        add_scaled_rows(donor.ref().row_range(head * prompt_.size() + position, 1),
                        edit.change.value, row);
      }
    });
    return;
  }
  RowEdit row = {.value = edit.direction};
  row.begin = static_cast<std::int32_t>(edit.positions.begin);
  row.end = edit.positions.end ? static_cast<std::int32_t>(*edit.positions.end) : INT32_MAX;
  const auto prompt = static_cast<std::int32_t>(prompt_.size());
  if (edit.positions.kind == Positions::Kind::Last) {
    row.begin = prompt - 1;
    row.end = prompt;
  } else if (edit.positions.kind == Positions::Kind::Generated) {
    row.begin = prompt;
    row.end = INT32_MAX;
  }
  if (edit.change.kind == ChangeKind::Scale) {
    row.kind = EditKind::Scale;
    row.factor = edit.change.value;
  } else {
    row.kind = edit.change.kind == ChangeKind::Add ? EditKind::Add : EditKind::Set;
    row.value = edit.direction.empty() ? std::vector<double>{1.0} : edit.direction;
    for (double& x : row.value) {
      x *= edit.change.value;
    }
  }
  points_.edit(point, std::move(row));
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

Matrix InterventionRun::forward(LogitRows logits) {
  KvCache cache(model_->config(), backend_, 1);
  const std::array<std::int32_t, 2> starts = {0, static_cast<std::int32_t>(prompt_.size())};
  return model_->forward(backend_, {prompt_, starts}, cache,
                         {.precision = options_.precision, .logits = logits, .points = &points_});
}

std::vector<SparseRows> InterventionRun::take_activations() {
  std::vector<SparseRows> out(sites_.size());
  std::swap(out, activations_);
  return out;
}

std::vector<Matrix> InterventionRun::take_preactivations() {
  std::vector<Matrix> out(sites_.size());
  std::swap(out, preactivations_);
  return out;
}

}  // namespace cajal
