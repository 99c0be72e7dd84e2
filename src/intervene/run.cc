#include "intervene/run.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "dictionary/encode.h"
#include "intervene/frozen_norms.h"

namespace cajal {

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
