// The local replacement model: a model on one prompt in which attention patterns, the denominators
// of norms and what a dictionary does not explain of the MLPs are constants (Ameisen et al. 2025,
// "Circuit Tracing"). All values are the model's own; what is left is linear, so that every value
// is a sum over what caused it.
//
//   MLP output at (l, p) = sum of features a W_dec + W_skip x + b_dec + error(l, p)
//
// At positions before `first_position` there are no features and no errors: what the MLP gave there
// is a constant (circuit-tracer does so at position 0). A layer that the dictionary lacks is all
// error.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "dictionary/dictionary.h"
#include "dictionary/sites.h"
#include "model/model.h"
#include "model/tape.h"
#include "tensor/sparse_rows.h"
#include "trace/graph_rows.h"

namespace cajal {

/// A feature that fires.
struct ActiveFeature {
  std::uint32_t layer = 0;  // of the model
  std::uint32_t position = 0;
  std::uint32_t feature = 0;
  float activation = 0.0F;
};

/// What a row adds up to besides its sources; in this order after the sources' columns.
enum class RowConstant : std::uint8_t {
  DecoderBias,     // b_dec at positions that have errors
  Biases,          // of attention and of norms
  Positions,       // learned positional embeddings
  FirstPositions,  // what MLPs give before `first_position`, less the skip path
};
inline constexpr std::size_t kRowConstants = 4;

struct ReplacementOptions {
  Precision precision = Precision::F32;
  std::size_t first_position = 1;
  LogitRows logits = LogitRows::Last;  // All: targets may stand at any position
};

/// What a row of the graph is about: value = direction . (what is at the point) + bias.
struct RowTarget {
  Point point = {PointKind::FinalNorm, 0};
  std::size_t position = 0;
  std::vector<double> direction;  // [columns of the point]
  double bias = 0.0;              // of the target itself: b_enc, the head's
  double value = 0.0;             // on this prompt; a pre-activation or a logit
};

/// Runs the model once and keeps what rows need. Belongs to one backend, which must outlive it, and
/// to one thread at a time.
class LocalReplacement {
 public:
  /// Throws InvalidArgument for an empty prompt, ids out of range or a dictionary that does not fit
  /// the model; Unsupported for dictionaries that do not stand for an MLP (their output is not
  /// mlp_out) or whose encoder is not linear up to the activation.
  LocalReplacement(Backend& backend, std::shared_ptr<const Model> model,
                   std::shared_ptr<const Dictionary> dictionary, std::vector<TokenId> tokens,
                   const ReplacementOptions& options = {});

  const Model& model() const noexcept { return *model_; }
  const Dictionary& dictionary() const noexcept { return *dictionary_; }
  std::shared_ptr<const Model> shared_model() const noexcept { return model_; }
  std::shared_ptr<const Dictionary> shared_dictionary() const noexcept { return dictionary_; }
  std::span<const TokenId> tokens() const noexcept { return tokens_; }
  const ReplacementOptions& options() const noexcept { return options_; }
  /// By (layer, position, feature).
  std::span<const ActiveFeature> features() const noexcept { return features_; }
  /// Of the whole graph, all features that fire included.
  NodeCounts counts(std::size_t targets = 0) const noexcept {
    return {features_.size(), model_->config().layers, tokens_.size(), targets};
  }
  /// [positions, d_model] each.
  ConstMatRef reconstruction(std::size_t layer) const {
    return layers_[layer].reconstruction.ref();
  }
  ConstMatRef error(std::size_t layer) const { return layers_[layer].error.ref(); }
  ConstMatRef token_vectors() const noexcept { return token_vectors_.ref(); }
  /// [1 or positions, vocab], as options().logits says.
  ConstMatRef logits() const noexcept { return tape_.logits(); }

  /// Where a feature stands in features(); nullopt if it does not fire there.
  std::optional<std::size_t> find(std::size_t layer, std::size_t position,
                                  std::size_t feature) const;

  /// The pre-activation of features()[i].
  RowTarget feature_target(std::size_t i) const;
  /// direction . final_norm at `position`. Throws InvalidArgument for another width and for
  /// positions whose logits were not computed.
  RowTarget direction_target(std::vector<double> direction, std::size_t position) const;
  /// A logit less the mean of all logits, before a soft cap.
  RowTarget logit_target(TokenId token, std::size_t position);
  /// logit(token) - logit(other).
  RowTarget difference_target(TokenId token, TokenId other, std::size_t position) const;

 private:
  friend class RowPass;

  /// One layer of the model.
  struct Layer {
    std::optional<std::size_t> index;  // in the dictionary
    Point input;
    Point output;
    Matrix x_in;
    Matrix reconstruction;
    Matrix error;                         // 0 before the first position
    Matrix constant;                      // b_dec, or all that an MLP gave before it
    std::vector<std::size_t> row_starts;  // [positions + 1] into `vectors` and `columns`
    Matrix vectors;                       // [rows, d_model] what sources write, by position; empty
                                          // where all layers' would be too many to keep
    std::vector<std::uint32_t> columns;   // [rows] of the graph; kNoColumn: padding
    Matrix values;                        // clean `value` point, where clipping changes some
  };
  static constexpr std::uint32_t kNoColumn = UINT32_MAX;

  void find_sites();
  void run_forward();
  void encode_layers();
  void reconstruct(std::size_t layer);
  void lay_out_sources(std::size_t layer);
  void keep_sources();
  /// What sources write to a layer's output at positions [begin, end), into `out` [rows, d_model].
  void gather_sources(std::size_t layer, std::size_t begin, std::size_t end, MatRef out) const;
  void gather_position(std::size_t layer, std::size_t position, MatRef out) const;
  /// Places in the dictionary of the layers that write to the output of `layer`: [begin, end).
  std::pair<std::size_t, std::size_t> writers(std::size_t layer) const;
  Matrix output_bias(std::size_t layer) const;
  void split_embeddings(ConstMatRef embeddings);
  const DictionaryLayer* dictionary_layer(std::size_t layer) const {
    const auto index = layers_[layer].index;
    return index ? &dictionary_->layers()[*index] : nullptr;
  }
  std::vector<double> head_row(TokenId token) const;
  void check_position(std::size_t position) const;
  RowTarget head_target(std::vector<double> direction, double bias, std::size_t position) const;

  Backend& backend_;
  std::shared_ptr<const Model> model_;
  std::shared_ptr<const Dictionary> dictionary_;
  std::vector<TokenId> tokens_;
  ReplacementOptions options_;
  Tape tape_;
  std::vector<Layer> layers_;
  std::vector<SparseRows> codes_;  // by the dictionary's layers, without the first positions
  std::vector<ActiveFeature> features_;
  std::vector<std::size_t> feature_starts_;  // [dictionary layers * positions] into features_
  Matrix token_vectors_;
  Matrix positional_;                  // [positions, d_model]
  Matrix final_norm_;                  // [logit rows, d_model]
  std::vector<double> mean_head_row_;  // computed when first asked for; the bias' mean last
};

}  // namespace cajal
