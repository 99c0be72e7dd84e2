// The parameters of a dictionary being learned, and the rows of its matrices.
#pragma once

#include <span>
#include <vector>

#include "model/parameters.h"
#include "train/dictionary/recipe.h"

namespace cajal {

/// One layer's parts of a block of parameters (or gradients, or moments).
template <typename Ref>
struct DictionaryViews {
  Ref w_enc;           // [features, d_in]
  Ref w_dec;           // [features, targets * d_out]
  Ref b_enc;           // [1, features]
  Ref b_dec;           // [1, d_out]
  Ref threshold = {};  // [1, features], of JumpReLU
  Ref w_skip = {};     // [d_out, d_in]

  /// What its features write to the layer `target` above its own: [features, d_out].
  Ref decoder(std::size_t target) const { return w_dec.col_range(target * b_dec.cols, b_dec.cols); }
};

/// "W_enc" [F, d_in], "W_dec" [F, targets, d_out], "b_enc", "b_dec", "threshold" or
/// "log_threshold", "W_skip" [d_out, d_in], in this order; with several layers "W_enc_0" and so on.
std::vector<ParameterSpec> dictionary_parameters(const DictionaryShape& shape,
                                                 const DictionaryRecipe& recipe);

DictionaryViews<MatRef> layer_of(Parameters& parameters, const DictionaryShape& shape,
                                 std::size_t layer);
DictionaryViews<ConstMatRef> layer_of(const Parameters& parameters, const DictionaryShape& shape,
                                      std::size_t layer);

/// All elements of any host matrix, row by row.
std::vector<double> doubles_of(ConstMatRef m);
/// The other way, rounded to the type of `m`.
void store(std::span<const double> values, MatRef m);

/// |row| of each row.
std::vector<double> row_norms(Backend& backend, ConstMatRef m);
/// Row r times factors[r].
void scale_rows(Backend& backend, std::span<const double> factors, MatRef m);
/// out[r] += factors[r] * m[r].
void add_rows(Backend& backend, std::span<const double> factors, ConstMatRef m, MatRef out);
/// <a[r], b[r]>.
std::vector<double> row_products(Backend& backend, ConstMatRef a, ConstMatRef b);
/// out[r] += factor * row[0], for a `row` of [1, cols].
void add_to_rows(Backend& backend, double factor, ConstMatRef row, MatRef out);
/// [cols]
std::vector<double> column_sums(Backend& backend, ConstMatRef m);

}  // namespace cajal
