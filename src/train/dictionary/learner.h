// A dictionary being learned: one step of any recipe on a batch of activations.
//
// The encoder's product is the only dense one. Pre-activations come in blocks of features and only
// entries that count are kept; everything after them goes over entries (ops/sparse.h). Masters,
// moments and sums are of the backend's activation type, numbers of entries are doubles.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "ops/backend.h"
#include "train/dictionary/code.h"
#include "train/dictionary/layout.h"
#include "train/dictionary/reconstruction.h"

namespace cajal {

struct LearnedStep {
  std::size_t step = 0;  // counted from 1
  double learning_rate = 0.0;
  double loss = 0.0;           // the sum of what follows, before the update
  std::vector<double> errors;  // [layers * prefixes]
  double sparsity = 0.0;
  double pre_activation = 0.0;
  double auxiliary = 0.0;
  double gradient_norm = 0.0;  // before clipping
  double fvu = 0.0;            // of all features, over all target layers together
  double l0 = 0.0;             // features that fire on a token, of all layers
  std::size_t dead = 0;        // features, as AuxK saw them
  bool finite = true;          // false: loss or norm is not, and the weights were not changed
};

/// How a dictionary of one layer does on some rows.
struct LayerFigures {
  double fvu = 0.0;
  double l0 = 0.0;       // features that fire on a token
  std::size_t dead = 0;  // have not fired in the learning for long
  friend bool operator==(const LayerFigures&, const LayerFigures&) = default;
};

/// What SparsityOptions::pace has made of the coefficient.
struct AdaptedPenalty {
  double factor = 1.0;
  double usual_log_l0 = 0.0;  // the moving average of log L0
};

/// For one thread.
class DictionaryLearner {
 public:
  /// `initial` has the parameters of dictionary_parameters(), of the backend's activation type.
  /// Throws InvalidArgument if a number of the recipe makes no sense for the shape.
  DictionaryLearner(Backend& backend, const DictionaryShape& shape, const DictionaryRecipe& recipe,
                    Parameters initial);

  /// What the recipe sets from the first batch, before the first step.
  void start(const LearningBatch& batch);
  LearnedStep step(const LearningBatch& batch);

  /// By layer: fvu, l0 and dead on other rows, chosen as a step would; changes nothing.
  std::vector<LayerFigures> measure(const LearningBatch& batch);

  /// The entries of a layer's code on x [tokens, d_in], with their h, as a step would choose them.
  SparseEntries encode(std::size_t layer, ConstMatRef x);

  const DictionaryShape& shape() const noexcept { return shape_; }
  const DictionaryRecipe& recipe() const noexcept { return recipe_; }
  Backend& backend() const noexcept { return backend_; }
  std::size_t steps() const noexcept { return t_; }
  const Parameters& values() const noexcept { return values_; }
  const Parameters& first() const noexcept { return first_; }
  const Parameters& second() const noexcept { return second_; }
  /// Of the last step, before clipping.
  const Parameters& gradients() const noexcept { return gradients_; }
  /// The moving average of the weights, not corrected for its start; nullptr: there is none.
  const Parameters* average() const noexcept { return average_ ? &*average_ : nullptr; }
  /// [layers * features] units since a feature fired.
  std::span<const std::int64_t> since_fired() const noexcept { return since_fired_; }
  /// The estimate of EstimateOptions; nullopt: there is none yet.
  std::optional<double> estimate() const noexcept { return estimate_; }

  const AdaptedPenalty& penalty() const noexcept { return penalty_; }

  /// For a checkpoint to write to; restored() must follow.
  Parameters& values() noexcept { return values_; }
  Parameters& first() noexcept { return first_; }
  Parameters& second() noexcept { return second_; }
  std::span<std::int64_t> since_fired() noexcept { return since_fired_; }
  void restored(std::size_t steps, std::optional<double> estimate,
                const AdaptedPenalty& penalty = {});

 private:
  friend class LearningStep;

  void check_recipe() const;
  void set_thresholds(const LearningBatch& batch);
  void prepare();
  void normalize_rows();
  void project_gradient();
  void forget_decoder_gradient();
  void adapt_penalty(double l0);
  void update(LearnedStep& result);
  void round();

  Backend& backend_;
  DictionaryShape shape_;
  DictionaryRecipe recipe_;
  Parameters values_;
  Parameters first_;
  Parameters second_;
  Parameters gradients_;
  std::optional<Parameters> average_;
  std::optional<Parameters> rounded_;  // BF16, where products are
  std::vector<std::int64_t> since_fired_;
  std::vector<double> hints_;  // by layer: about the lowest rank that BatchTopK kept
  std::optional<double> estimate_;
  AdaptedPenalty penalty_;
  std::size_t t_ = 0;
};

}  // namespace cajal
