// A model with interventions: compiles them to edits of points, for one pass over a prompt and for
// what is generated after it.
//
// The model's own MLPs run. A dictionary only reads how active a feature is and says in which
// direction it writes, so what it does not explain stays as it is (circuit-tracer's
// feature_intervention):
//
//   output of the layer += (wanted - current activation) * decoder row
#pragma once

#include <memory>
#include <vector>

#include "dictionary/dictionary.h"
#include "dictionary/sites.h"
#include "intervene/intervention.h"
#include "intervene/prompt_values.h"
#include "model/model.h"
#include "tensor/sparse_rows.h"

namespace cajal {

enum class Record : std::uint8_t { Nothing, Activations, Preactivations };

struct InterventionOptions {
  Precision precision = Precision::F32;
  std::size_t first_position = 1;   // features of the prompt before it count as not active
  std::vector<TokenId> donor = {};  // the other prompt, as long as this one; empty: there is none
  Record record = Record::Nothing;
};

/// Belongs to one backend, which must outlive it, and to one thread at a time. Neither copied nor
/// moved, since points() look at it.
class InterventionRun {
 public:
  /// `dictionary` may be nullptr. Runs the model on the prompt and the donor where that is needed.
  /// Throws as check_interventions and sites_of do, and InvalidArgument naming both numbers if the
  /// donor has another number of tokens.
  InterventionRun(Backend& backend, std::shared_ptr<const Model> model,
                  std::shared_ptr<const Dictionary> dictionary, std::vector<TokenId> prompt,
                  Interventions interventions, const InterventionOptions& options = {});
  InterventionRun(const InterventionRun&) = delete;
  InterventionRun& operator=(const InterventionRun&) = delete;
  ~InterventionRun();

  /// For a forward pass or generate() on one sequence, whose first pass must be the whole prompt.
  /// They live as long as this.
  const PointSet& points() const noexcept { return points_; }

  /// One pass over the prompt: logits [1 or prompt, vocab].
  Matrix forward(LogitRows logits = LogitRows::All);

  /// What was recorded since the last call, by the dictionary's layers, one row a token. Features
  /// as they are in the changed model, before what is wanted of them.
  std::vector<SparseRows> take_activations();
  std::vector<Matrix> take_preactivations();  // [tokens, features]

 private:
  struct Delta {
    std::size_t row = 0;
    std::size_t feature = 0;
    double amount = 0.0;
  };
  using Codes = std::vector<SparseRows>;  // by the dictionary's layers; those not needed are empty

  // What unchanged runs are asked for.
  std::vector<Point> clean_points() const;
  std::vector<Point> donor_points() const;
  Codes codes_of(const PromptValues& values) const;

  // Compiling.
  void freeze();
  void freeze_pattern(Point point);
  void compile_features();
  void compile_points();
  void compile_point(const PointEdit& edit);
  void compile_records();

  // While the model runs.
  bool is_prompt(const PointContext& context) const {
    return static_cast<std::size_t>(context.positions.front()) < prompt_.size();
  }
  bool is_constrained(const PointContext& context) const {
    return interventions_.frozen.layers.has_value() && is_prompt(context);
  }
  bool is_frozen(std::size_t layer) const {
    const auto& layers = interventions_.frozen.layers;
    return layers && layer >= layers->first && layer < layers->second;
  }
  void read_input(std::size_t index, ConstMatRef value, const PointContext& context);
  void find_deltas(std::size_t index, const PointContext& context);
  double current_value(std::size_t index, std::size_t row, std::size_t feature,
                       const SparseRows& now, const PointContext& context) const;
  double wanted(const FeatureEdit& edit, std::size_t index, std::size_t position,
                double current) const;
  void hold_output(std::size_t layer, MatRef value, const PointContext& context);
  void write_deltas(std::size_t target, MatRef value, const PointContext& context);
  void record(std::size_t index, ConstMatRef value, const PointContext& context);

  bool edits_features_of(std::size_t index) const;
  bool needs_clean_codes() const;
  double code_at(const Codes& codes, std::size_t index, std::size_t position,
                 std::size_t feature) const;
  Point output_of(std::size_t layer) const;
  bool freezes_all() const;
  bool has_from() const;

  Backend& backend_;
  std::shared_ptr<const Model> model_;
  std::shared_ptr<const Dictionary> dictionary_;
  std::vector<TokenId> prompt_;
  Interventions interventions_;
  InterventionOptions options_;
  std::vector<DictionarySite> sites_;
  PromptValues clean_;
  PromptValues donor_;
  Codes clean_codes_;
  Codes donor_codes_;
  PointSet points_;
  std::vector<std::shared_ptr<const void>> norms_;

  std::vector<Matrix> inputs_;              // by the dictionary's layers, of the pass under way
  std::vector<std::vector<Delta>> deltas_;  // the same
  std::vector<SparseRows> activations_;
  std::vector<Matrix> preactivations_;
};

}  // namespace cajal
