// A model run with something else in place of what it computes at some of its points: a dictionary
// at every layer in sequence (no error terms; each sees what those before it made), ablations, or a
// dictionary with its errors added back.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "dictionary/sites.h"
#include "model/model.h"

namespace cajal {

/// What comes in place of a point's rows.
class Replacement {
 public:
  virtual ~Replacement() = default;
  /// Called for the sites in their order in each forward pass. `input` [rows, d_in] is what this
  /// pass holds at the site's input; `output` [rows, d_out] what it computed, to be overwritten.
  /// Both hold the rows that are replaced and no others, of the backend's activation type.
  virtual void replace(std::size_t site, ConstMatRef input, MatRef output) = 0;
};

/// Nothing, or the same row for all.
class Ablation : public Replacement {
 public:
  /// By site, [d_out] each; empty: zeros.
  explicit Ablation(std::vector<std::vector<double>> rows = {}) : rows_(std::move(rows)) {}
  void replace(std::size_t site, ConstMatRef input, MatRef output) override;

 private:
  std::vector<std::vector<double>> rows_;
};

/// Which rows of a batch are replaced at a point; their order counts.
using RowsOf = std::function<std::vector<std::size_t>(const PointContext& context)>;

/// The edits that do it, for a forward pass of any kind. Sites in the order of computation, each
/// input not after its output. `replacement` must outlive the result.
PointSet splice_points(std::vector<DictionarySite> sites, const RowsOf& rows,
                       Replacement& replacement);

/// Logits [tokens, vocab] of a batch with `rows` of every site replaced. Throws what forward
/// throws.
Matrix spliced_logits(Backend& backend, const Model& model, const Batch& batch, Precision precision,
                      std::span<const DictionarySite> sites, std::span<const std::size_t> rows,
                      Replacement& replacement);

}  // namespace cajal
