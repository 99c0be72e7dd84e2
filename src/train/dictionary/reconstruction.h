// What codes decode to, how far that is from the targets, and the gradient of it: for one step.
//
// With nested prefixes of features every token has one error for each prefix; they lie one after
// the other, so that the same sparse products go over them (row token * prefixes + prefix), and a
// feature gets the gradients of all prefixes that hold it as one sum.
#pragma once

#include <span>
#include <vector>

#include "ops/backend.h"
#include "train/dictionary/layout.h"

namespace cajal {

/// A step's data, by layer: [tokens, d_in] and [tokens, d_out] of the backend's activation type.
struct LearningBatch {
  std::span<const ConstMatRef> x;
  std::span<const ConstMatRef> y;
  std::size_t tokens() const { return x.front().rows; }
};

/// One layer's features as they are decoded.
struct LayerCode {
  SparseEntries entries;  // [tokens, features] with h
  std::vector<double> a;  // [stored]
  SparsePattern split;    // the same entries by token and prefix
};

class Reconstruction {
 public:
  Reconstruction(Backend& backend, const DictionaryShape& shape, const ErrorOptions& options,
                 const LearningBatch& batch);

  /// `pattern` with a row for each token and prefix.
  SparsePattern split(const SparsePattern& pattern) const;
  /// Decodes: errors are reconstruction less target.
  void forward(const Parameters& values, std::span<const LayerCode> codes);

  std::size_t prefixes() const noexcept { return prefixes_.size(); }
  /// Features [begin, end) that prefix g adds to the one before.
  std::size_t begin(std::size_t g) const { return g == 0 ? 0 : prefixes_[g - 1]; }
  std::size_t end(std::size_t g) const { return prefixes_[g]; }

  /// [tokens, d_out], of target layer m by prefix g.
  ConstMatRef error(std::size_t m, std::size_t g) const;
  /// sum (y - mean y)^2 of target layer m.
  double variance(std::size_t m) const { return variances_[m]; }
  /// sum |e|^2 of it.
  double squares(std::size_t m, std::size_t g) const { return squares_[m * prefixes() + g]; }
  /// Its term of the loss.
  double loss(std::size_t m, std::size_t g) const { return weight(m, g) * squares(m, g); }

  /// Turns errors into gradients of what was decoded. No error can be had after this.
  void turn_to_gradients();
  /// [tokens * prefixes, d_out]: row (token, g) is the gradient of features that prefix g adds.
  ConstMatRef gradients(std::size_t m) const { return errors_[m].ref(); }
  /// [tokens, d_out]: that of what every prefix holds, such as b_dec.
  ConstMatRef whole_gradient(std::size_t m) const { return error(m, 0); }

 private:
  MatRef place(std::size_t m, std::size_t g);
  double weight(std::size_t m, std::size_t g) const;

  Backend& backend_;
  const DictionaryShape& shape_;
  const ErrorOptions& options_;
  const LearningBatch& batch_;
  std::vector<std::size_t> prefixes_;
  std::vector<Matrix> errors_;     // by target layer, [tokens * prefixes, d_out]
  std::vector<double> variances_;  // [layers]
  std::vector<double> squares_;    // [layers * prefixes]
};

/// sum (row - mean row)^2 over all rows and columns.
double summed_variance(Backend& backend, ConstMatRef m);

}  // namespace cajal
