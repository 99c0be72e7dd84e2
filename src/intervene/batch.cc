#include "intervene/batch.h"

#include <algorithm>
#include <array>
#include <map>

#include "base/error.h"
#include "dictionary/chosen_features.h"
#include "dictionary/encode.h"
#include "model/unembed.h"
#include "tensor/host_matrix.h"

namespace cajal {
namespace {

void add_to_row(std::span<const double> add, MatRef m, std::size_t row) {
  const ConstMatRef from = {reinterpret_cast<const std::byte*>(add.data()), 1, add.size(),
                            add.size(), DType::F64};
  add_scaled_rows(from, 1.0, m.row_range(row, 1));
}

}  // namespace

/// Some cases as one batch of sequences.
class BatchPass {
 public:
  BatchPass(InterventionBatch& batch, std::span<const BatchCase> cases,
            std::span<const FeaturePlace> watched, std::span<const double> clean)
      : batch_(batch),
        cases_(cases),
        watched_(watched),
        clean_(clean),
        deltas_(batch.sites_.size()) {
    for (const BatchCase& one : cases_) {
      firsts_.push_back(batch_.first_changed(one));
      starts_.push_back(starts_.back() +
                        static_cast<std::int32_t>(batch_.prompt_.size() - firsts_.back()));
    }
  }

  /// The residual stream after the last layer at the last token of each case.
  Matrix run(std::span<double> activations) {
    activations_ = activations;
    add_points();
    KvCache cache(config(), batch_.backend_, cases_.size());
    std::vector<TokenId> tokens;
    for (std::size_t s = 0; s < cases_.size(); ++s) {
      cache.continue_from(s, batch_.cache_, 0, firsts_[s]);
      const auto from = batch_.prompt_.begin() + static_cast<std::ptrdiff_t>(firsts_[s]);
      tokens.insert(tokens.end(), from, batch_.prompt_.end());
    }
    batch_.model_->forward(
        batch_.backend_, {tokens, starts_}, cache,
        {.precision = batch_.options_.precision, .logits = LogitRows::None, .points = &points_});
    return std::move(last_);
  }

 private:
  struct Delta {
    std::size_t row = 0;
    std::size_t position = 0;
    std::size_t feature = 0;
    double amount = 0.0;
  };
  using Wanted = std::map<std::pair<std::size_t, std::size_t>, Change>;  // by row and feature

  const ModelConfig& config() const { return batch_.model_->config(); }
  const Dictionary& dictionary() const { return *batch_.dictionary_; }
  std::size_t row(std::size_t s, std::size_t position) const {
    return static_cast<std::size_t>(starts_[s]) + position - firsts_[s];
  }
  std::size_t position(std::size_t row) const {
    const auto after =
        std::upper_bound(starts_.begin(), starts_.end(), static_cast<std::int32_t>(row));
    const auto s = static_cast<std::size_t>(after - starts_.begin()) - 1;
    return row - static_cast<std::size_t>(starts_[s]) + firsts_[s];
  }

  void add_points() {
    points_.edit({PointKind::Embeddings, 0},
                 [this](MatRef value, const PointContext&) { change_embeddings(value); });
    for (std::size_t i = 0; i < batch_.sites_.size(); ++i) {
      const DictionarySite& site = batch_.sites_[i];
      const auto input = [this, i](ConstMatRef value, const PointContext&) {
        read_input(i, value);
      };
      if (site.input == site.output) {  // it is read before it is changed
        points_.edit(site.input, input);
      } else {
        points_.read(site.input, input);
      }
      points_.edit(site.output,
                   [this, i](MatRef value, const PointContext&) { write_deltas(i, value); });
    }
    points_.read({PointKind::ResidPost, config().layers - 1},
                 [this](ConstMatRef value, const PointContext&) { keep_last(value); });
  }

  void change_embeddings(MatRef value) const {
    for (std::size_t s = 0; s < cases_.size(); ++s) {
      for (const EmbeddingEdit& edit : cases_[s].embeddings) {
        add_to_row(edit.add, value, row(s, edit.position));
      }
    }
  }

  Wanted wanted_of(std::size_t layer) const {
    Wanted out;
    for (std::size_t s = 0; s < cases_.size(); ++s) {
      for (const FeatureEdit& edit : cases_[s].features) {
        for (std::size_t p = firsts_[s]; edit.layer == layer && p < batch_.prompt_.size(); ++p) {
          if (edit.positions.includes(p, batch_.prompt_.size())) {
            out[{row(s, p), edit.feature}] = edit.change;  // the later one counts
          }
        }
      }
    }
    return out;
  }

  void read_input(std::size_t index, ConstMatRef value) {
    const std::size_t layer = dictionary().layers()[index].layer;
    const Wanted wanted = wanted_of(layer);
    std::vector<RowFeature> asked;
    for (const auto& [place, change] : wanted) {
      asked.push_back({place.first, place.second});
    }
    for (const auto& watched : watched_) {
      for (std::size_t s = 0; s < cases_.size() && watched.layer == layer; ++s) {
        if (watched.position >= firsts_[s]) {
          asked.push_back({row(s, watched.position), watched.feature});
        }
      }
    }
    const std::vector<double> now = chosen_activations(batch_.backend_, dictionary(), index, value,
                                                       asked, batch_.options_.precision);
    find_deltas(index, wanted, now);
    take_watched(layer, std::span(now).subspan(wanted.size()));
    const DictionaryLayer& own = dictionary().layers()[index];
    if (own.undoes_scaling && own.scaling != InputScaling::None) {
      input_ = host_copy(value);
    }
  }

  /// Of the unchanged model, by what is wanted; 0 where the change does not refer to it.
  std::vector<double> clean_of(std::size_t index, const Wanted& wanted) const {
    std::vector<RowFeature> asked;
    std::vector<std::size_t> at;
    std::vector<double> out(wanted.size(), 0.0);
    std::size_t i = 0;
    for (const auto& [place, change] : wanted) {
      const std::size_t p = position(place.first);
      if (change.kind != ChangeKind::Set && p >= batch_.options_.first_position) {
        asked.push_back({p, place.second});
        at.push_back(i);
      }
      ++i;
    }
    const std::vector<double> clean =
        chosen_activations(batch_.backend_, dictionary(), index, batch_.inputs_[index].ref(), asked,
                           batch_.options_.precision);
    for (std::size_t k = 0; k < at.size(); ++k) {
      out[at[k]] = clean[k];
    }
    return out;
  }

  void find_deltas(std::size_t index, const Wanted& wanted, std::span<const double> now) {
    const std::vector<double> clean = clean_of(index, wanted);
    deltas_[index].clear();
    std::size_t i = 0;
    for (const auto& [place, change] : wanted) {
      const std::size_t at = position(place.first);
      const double current = at < batch_.options_.first_position ? 0.0 : now[i];
      double value = change.value;
      if (change.kind != ChangeKind::Set) {
        value = change.kind == ChangeKind::Scale ? clean[i] * value : clean[i] + value;
      }
      ++i;
      deltas_[index].push_back({place.first, at, place.second, value - current});
    }
  }

  void take_watched(std::size_t layer, std::span<const double> now) {
    std::size_t i = 0;
    for (std::size_t w = 0; w < watched_.size(); ++w) {
      for (std::size_t s = 0; s < cases_.size() && watched_[w].layer == layer; ++s) {
        const bool changed = watched_[w].position >= firsts_[s];
        const bool counts = watched_[w].position >= batch_.options_.first_position;
        double& to = activations_[s * watched_.size() + w];
        to = !changed ? clean_[w] : counts ? now[i] : 0.0;
        i += changed ? 1 : 0;
      }
    }
  }

  void write_deltas(std::size_t target, MatRef value) {
    const auto [begin, end] = dictionary().sources_of(target);
    for (std::size_t source = begin; source < end; ++source) {
      for (const Delta& delta : deltas_[source]) {
        const ConstMatRef x =
            input_.empty() ? ConstMatRef{} : std::as_const(input_).ref().row_range(delta.row, 1);
        const double factor = decoder_factor(dictionary(), source, delta.feature, target, x);
        add_scaled_rows(dictionary().decoder_row(source, delta.feature, target),
                        delta.amount * factor, value.row_range(delta.row, 1));
      }
    }
  }

  void keep_last(ConstMatRef value) {
    last_ = Matrix::host(cases_.size(), value.cols, value.dtype);
    for (std::size_t s = 0; s < cases_.size(); ++s) {
      convert(value.row_range(row(s, batch_.prompt_.size() - 1), 1), last_.ref().row_range(s, 1));
    }
  }

  InterventionBatch& batch_;
  std::span<const BatchCase> cases_;
  std::span<const FeaturePlace> watched_;
  std::span<const double> clean_;  // [watched]
  std::span<double> activations_;
  std::vector<std::size_t> firsts_;
  std::vector<std::int32_t> starts_ = {0};
  PointSet points_;
  std::vector<std::vector<Delta>> deltas_;  // by the dictionary's layers
  Matrix input_;  // of the layer under way, where its scale is undone token by token
  Matrix last_;
};

InterventionBatch::InterventionBatch(Backend& backend, std::shared_ptr<const Model> model,
                                     std::shared_ptr<const Dictionary> dictionary,
                                     std::vector<TokenId> prompt,
                                     const InterventionBatchOptions& options)
    : backend_(backend),
      model_(std::move(model)),
      dictionary_(std::move(dictionary)),
      prompt_(std::move(prompt)),
      options_(options),
      sites_(sites_of(*dictionary_, model_->config())),
      cache_(model_->config(), backend_, 1),
      inputs_(sites_.size()) {
  check(!prompt_.empty(), "the prompt has no tokens: there is nothing to change");
  run_clean();
}

void InterventionBatch::run_clean() {
  PointSet points;
  for (std::size_t i = 0; i < sites_.size(); ++i) {
    points.read(sites_[i].input, [this, i](ConstMatRef value, const PointContext&) {
      inputs_[i] = host_copy(value);
    });
  }
  points.read({PointKind::FinalNorm, 0},
              [this](ConstMatRef value, const PointContext&) { final_norm_ = host_copy(value); });
  const std::array<std::int32_t, 2> starts = {0, static_cast<std::int32_t>(prompt_.size())};
  logits_ = model_->forward(backend_, {prompt_, starts}, cache_,
                            {.precision = options_.precision, .points = &points});
}

double InterventionBatch::activation(const FeaturePlace& place) const {
  const auto index = dictionary_->index_of(place.layer);
  check(index.has_value(), "{} has no features of layer {}", dictionary_->info().name, place.layer);
  if (place.position < options_.first_position) {
    return 0.0;
  }
  const RowFeature one = {place.position, place.feature};
  return chosen_activations(backend_, *dictionary_, *index, inputs_[*index].ref(),
                            std::span(&one, 1), options_.precision)
      .front();
}

void InterventionBatch::check_case(const BatchCase& one) const {
  check_interventions({.features = one.features, .points = {}, .frozen = {}}, model_->config(),
                      dictionary_.get(), prompt_.size(), false);
  for (const EmbeddingEdit& edit : one.embeddings) {
    check(edit.position < prompt_.size(), "there is no position {}: the prompt has {} tokens",
          edit.position, prompt_.size());
    check(edit.add.size() == model_->config().d_model,
          "the embedding to add has {} numbers, but the model's width is {}", edit.add.size(),
          model_->config().d_model);
  }
}

std::size_t InterventionBatch::first_changed(const BatchCase& one) const {
  std::size_t out = prompt_.size() - 1;
  for (const FeatureEdit& edit : one.features) {
    std::size_t p = 0;
    while (p < out && !edit.positions.includes(p, prompt_.size())) {
      ++p;
    }
    out = std::min(out, p);
  }
  for (const EmbeddingEdit& edit : one.embeddings) {
    out = std::min(out, edit.position);
  }
  return out;
}

std::size_t InterventionBatch::end_of_pass(std::span<const BatchCase> cases,
                                           std::size_t begin) const {
  std::size_t end = begin;
  std::size_t rows = 0;
  do {
    rows += prompt_.size() - first_changed(cases[end]);
    ++end;
  } while (end < cases.size() &&
           rows + prompt_.size() - first_changed(cases[end]) <= options_.rows &&
           (end + 1 - begin) * prompt_.size() <= options_.held);
  return end;
}

BatchOutcome InterventionBatch::run(std::span<const BatchCase> cases,
                                    std::span<const FeaturePlace> watched,
                                    std::size_t with_logits) {
  for (const BatchCase& one : cases) {
    check_case(one);
  }
  std::vector<double> clean;
  for (const FeaturePlace& place : watched) {
    check(place.position < prompt_.size(), "there is no position {}: the prompt has {} tokens",
          place.position, prompt_.size());
    clean.push_back(activation(place));
  }
  const ModelConfig& config = model_->config();
  BatchOutcome out = {.final_norm = make_matrix(backend_, cases.size(), config.d_model),
                      .logits = {},
                      .activations = std::vector<double>(cases.size() * watched.size())};
  Matrix residual = make_matrix(backend_, cases.size(), config.d_model);
  for (std::size_t begin = 0, end = 0; begin < cases.size(); begin = end, ++out.passes) {
    if (options_.cancel.stop_requested()) {
      fail(ErrorCode::Cancelled, "stopped after {} of {} interventions", begin, cases.size());
    }
    end = end_of_pass(cases, begin);
    const Matrix last =
        BatchPass(*this, cases.subspan(begin, end - begin), watched, clean)
            .run(std::span(out.activations)
                     .subspan(begin * watched.size(), (end - begin) * watched.size()));
    convert(last.ref(), residual.ref().row_range(begin, end - begin));
  }
  ops::normalize(backend_, {.in = residual.ref(),
                            .gain = model_->weights().final_norm.gain,
                            .bias = model_->weights().final_norm.bias,
                            .out = out.final_norm.ref(),
                            .kind = config.norm,
                            .epsilon = config.norm_epsilon,
                            .gain_offset = config.norm_gain_offset});
  if (const std::size_t some = std::min(with_logits, cases.size()); some != 0) {
    out.logits = unembed(backend_, config, model_->weights(), residual.ref().row_range(0, some),
                         options_.precision);
  }
  return out;
}

}  // namespace cajal
