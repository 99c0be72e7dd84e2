// A dictionary in place of what a model computes, and what it would have given where nothing is
// replaced.
#pragma once

#include <vector>

#include "dictionary/encode.h"
#include "measure/splice.h"

namespace cajal {

/// to += factor * from, both F32 or both F64. Throws InvalidArgument if shapes differ.
void add_scaled(ConstMatRef from, double factor, MatRef to);

/// Each site's output becomes what the dictionary makes of its input. A dictionary for all layers
/// sees what it made of those before. Not for two threads at once.
class DictionaryReplacement : public Replacement {
 public:
  /// `errors`: by site, what is added to each row, [rows, d_out]; empty: nothing. All must outlive
  /// it.
  DictionaryReplacement(Backend& backend, const Dictionary& dictionary, Precision precision,
                        std::span<const Matrix> errors = {})
      : backend_(backend),
        dictionary_(dictionary),
        precision_(precision),
        errors_(errors),
        codes_(dictionary.layers().size()) {}
  void replace(std::size_t site, ConstMatRef input, MatRef output) override;

 private:
  Backend& backend_;
  const Dictionary& dictionary_;
  Precision precision_;
  std::span<const Matrix> errors_;
  std::vector<SparseRows> codes_;
};

/// Replaces nothing; keeps what each site holds and what the dictionary makes of it, of one batch.
class DictionaryRecorder : public Replacement {
 public:
  DictionaryRecorder(Backend& backend, const Dictionary& dictionary, Precision precision);
  void replace(std::size_t site, ConstMatRef input, MatRef output) override;

  const Matrix& target(std::size_t site) const { return targets_[site]; }  // [rows, d_out]
  const Matrix& reconstruction(std::size_t site) const {
    return reconstructions_[site];
  }  // the same
  const SparseRows& codes(std::size_t site) const { return codes_[site]; }  // [rows, features]
  /// target - reconstruction of a site.
  Matrix error(std::size_t site) const;
  /// That by site.
  std::vector<Matrix> errors() const;

 private:
  Backend& backend_;
  const Dictionary& dictionary_;
  Precision precision_;
  std::vector<SparseRows> codes_;
  std::vector<Matrix> targets_;
  std::vector<Matrix> reconstructions_;
};

/// The same rows whatever is computed: by site, [rows, d_out] each. They must outlive it.
class GivenRows : public Replacement {
 public:
  explicit GivenRows(std::span<const Matrix* const> rows) : rows_(rows.begin(), rows.end()) {}
  void replace(std::size_t site, ConstMatRef input, MatRef output) override;

 private:
  std::vector<const Matrix*> rows_;
};

}  // namespace cajal
