// One step's forward and backward. Private to this folder; learner.h is its door.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "train/dictionary/learner.h"

namespace cajal {

class LearningStep {
 public:
  LearningStep(DictionaryLearner& learner, const LearningBatch& batch);

  /// Codes, errors and counters; the terms of the loss go into `result`.
  void forward(LearnedStep& result);
  /// Sets all gradients.
  void backward(LearnedStep& result);

  /// In place of both: how the learner does, of which nothing changes.
  std::vector<LayerFigures> measure();

  /// Only the codes of a layer.
  SparseEntries encode(std::size_t layer);

  /// The lowest of the `count` largest pre-activations of all tokens together, of those above 0;
  /// 0 if there are none.
  double lowest_of(std::size_t layer, std::size_t count);

 private:
  /// Dead features that reconstruct an error.
  struct Auxiliary {
    std::vector<LayerCode> codes;  // by layer
    std::vector<Matrix> errors;    // by target layer, [tokens, d_out]; in the end their gradients
  };

  DictionaryViews<ConstMatRef> weights(std::size_t layer) const {
    return layer_of(std::as_const(learner_.values_), learner_.shape_, layer);
  }
  DictionaryViews<MatRef> gradients(std::size_t layer) {
    return layer_of(learner_.gradients_, learner_.shape_, layer);
  }
  /// What the encoder's product reads.
  ConstMatRef encoder(std::size_t layer) const;
  ConstMatRef encoder_input(std::size_t layer) const;
  /// Features whose pre-activations are there at a time.
  static std::size_t block_of(std::size_t tokens, std::size_t features);

  void read_features(std::size_t layer);
  void read_input(std::size_t layer);
  SelectionRule rule_of(std::size_t layer) const;
  SparseEntries encode_all(std::size_t layer);
  /// Adds all features of a layer to each of `selections`, block by block.
  void add_features(std::size_t layer, std::span<Selection* const> selections);
  SparseEntries encode_dead(std::size_t layer, std::span<const std::int32_t> features,
                            std::size_t count);
  bool seeks_dead_in_passing(std::size_t layer) const;
  /// Of a column: minus infinity if its feature is dead, else infinity.
  std::vector<double> floors_of_dead(std::size_t layer) const;
  std::span<const std::uint8_t> dead_of(std::size_t layer) const {
    return std::span(dead_).subspan(layer * shape_.features, shape_.features);
  }
  SelectionRule rule_of_dead(std::size_t count) const;
  std::size_t count_of_dead() const;
  void add_total(std::size_t layer);
  void encode_layers();

  std::vector<std::uint8_t> dead_features() const;
  void count_fired();
  void update_estimate();
  std::optional<double> smallest_kept() const;

  void reconstruct_with_dead(std::size_t g, std::size_t begin, std::size_t end,
                             LearnedStep& result);
  double auxiliary_weight(std::size_t m, std::size_t g, double share) const;
  void backward_auxiliary(Auxiliary& part);
  void backward_layer(std::size_t layer, LearnedStep& result);
  /// Sets the gradients of a layer's decoders; returns those of its activations.
  std::vector<double> backward_decoder(std::size_t layer, const TransposedPattern& by_feature);
  /// What the gradients of a layer's decoder norms add to that of its decoder.
  void add_norm_gradient(std::size_t layer, std::vector<double> dnorm);
  /// Of features whose pre-activation has the same gradient `dh` at every token.
  void add_gradient_everywhere(std::size_t layer, std::span<const double> dh);
  void backward_target(std::size_t m);
  void add_encoder_gradient(std::size_t layer, const TransposedPattern& by_feature,
                            std::span<const double> dh, Accumulate accumulate);
  void subtract_from_bias(std::size_t layer);

  DictionaryLearner& learner_;
  Backend& backend_;
  const DictionaryRecipe& recipe_;
  const DictionaryShape& shape_;
  const LearningBatch& batch_;
  std::size_t tokens_;
  Reconstruction reconstruction_;
  std::vector<Matrix> centred_;      // x less b_dec; empty where x is as it came
  std::vector<ConstMatRef> inputs_;  // by layer: what the encoder's gradient reads
  std::vector<Matrix> rounded_;      // the same in BF16
  std::vector<std::vector<double>> theta_;
  std::vector<std::vector<double>> norms_;
  std::vector<std::vector<double>> totals_;  // of h over tokens
  std::vector<LayerCode> codes_;
  std::vector<std::uint8_t> dead_;  // [layers * features]
  // By layer: AuxK's entries, where they were found while the code was chosen.
  std::vector<std::optional<SparseEntries>> found_dead_;
  std::vector<std::vector<double>> db_enc_;
  std::vector<Auxiliary> auxiliaries_;
};

}  // namespace cajal
