// Many interventions on one prompt, side by side, nothing frozen: what trying claims with their
// controls needs.
//
// One clean pass serves all. Every case is a sequence of a batch that takes over the keys and
// values before its first change and runs on from there; all that changes for it is what
// InterventionRun (intervene/run.h) would change, and the results are those. Activations are
// computed only for features that somebody asks for, where the activation function allows it.
#pragma once

#include <memory>
#include <span>
#include <stop_token>
#include <vector>

#include "dictionary/dictionary.h"
#include "dictionary/sites.h"
#include "intervene/intervention.h"
#include "intervene/prompt_values.h"
#include "model/model.h"

namespace cajal {

/// A feature of a layer of the model at a position.
struct FeaturePlace {
  std::size_t layer = 0;
  std::size_t position = 0;
  std::size_t feature = 0;
  friend auto operator<=>(const FeaturePlace&, const FeaturePlace&) = default;
};

/// What is added to what enters the first layer at a position.
struct EmbeddingEdit {
  std::size_t position = 0;
  std::vector<double> add;  // [d_model]
};

/// One intervention of a batch.
struct BatchCase {
  std::vector<FeatureEdit> features;  // Set, Scale and Add; as in Interventions
  std::vector<EmbeddingEdit> embeddings = {};
};

struct InterventionBatchOptions {
  Precision precision = Precision::F32;
  std::size_t first_position = 1;  // features before it count as not active
  std::size_t rows = 4096;         // tokens that run at once, at most (but one case at least)
  std::size_t held = 16384;        // tokens whose keys and values are kept for them, likewise
  std::stop_token cancel = {};     // looked at between passes
};

/// What came of the cases; all about the prompt's last token.
struct BatchOutcome {
  Matrix final_norm;                // [cases, d_model]
  Matrix logits;                    // [cases with logits, vocab]
  std::vector<double> activations;  // [cases * watched], before what is wanted of the feature
  std::size_t passes = 0;           // that all cases took
};

/// Belongs to one backend, which must outlive it, and to one thread at a time.
class InterventionBatch {
 public:
  /// Runs the model once. Throws InvalidArgument for an empty prompt, what sites_of throws, and
  /// Unsupported for dictionaries whose activation looks at all tokens at once (BatchTopK).
  InterventionBatch(Backend& backend, std::shared_ptr<const Model> model,
                    std::shared_ptr<const Dictionary> dictionary, std::vector<TokenId> prompt,
                    const InterventionBatchOptions& options = {});

  /// Of the unchanged model.
  ConstMatRef final_norm() const { return final_norm_.ref(); }  // [1, d_model]
  ConstMatRef logits() const { return logits_.ref(); }          // [1, vocab]
  double activation(const FeaturePlace& place) const;

  /// The first `with_logits` cases get logits. Throws as check_interventions does, and
  /// InvalidArgument for changes of kind From; Cancelled.
  BatchOutcome run(std::span<const BatchCase> cases, std::span<const FeaturePlace> watched = {},
                   std::size_t with_logits = 0);

 private:
  friend class BatchPass;

  void run_clean();
  void check_case(const BatchCase& one) const;
  /// The first position that a case changes; the last one if it changes nothing.
  std::size_t first_changed(const BatchCase& one) const;
  /// The case after the last one that runs together with `begin`.
  std::size_t end_of_pass(std::span<const BatchCase> cases, std::size_t begin) const;

  Backend& backend_;
  std::shared_ptr<const Model> model_;
  std::shared_ptr<const Dictionary> dictionary_;
  std::vector<TokenId> prompt_;
  InterventionBatchOptions options_;
  std::vector<DictionarySite> sites_;
  KvCache cache_;
  std::vector<Matrix> inputs_;  // by the dictionary's layers, [positions, d_in]
  Matrix final_norm_;
  Matrix logits_;
};

}  // namespace cajal
