// How well a dictionary gives back what it was shown: every figure that the field uses, under its
// own name, from one pass with bounded memory.
//
// Centred and uncentred explained variance, the ways to average them and a bias of length can
// differ by much on the same activations, so all of them are given. With N tokens, target x (what
// is to be given back: the input of an SAE, the output of an MLP for a transcoder), reconstruction
// r, e = x - r, mu = the mean of x over all tokens, a = activations of features:
//
//   l0_mean, l0_median, l0_p05, l0_p95   of #{a != 0}; percentiles interpolate, as numpy's do
//   l1_mean                              of sum |a|
//   mse_sum_over_dims                    mean |e|^2; mse_mean_over_dims: that by columns
//   fvu                                  sum |e|^2 / sum |x - mu|^2; explained_variance: 1 - fvu
//   ev_per_dim_mean                      the same by column, then the mean over columns
//   nmse_uncentred                       sum |e|^2 / sum |x|^2; explained_variance_uncentred
//   explained_variance_legacy_batched    mean of 1 - |e|^2 / |x - mean of the batch|^2
//   explained_variance_legacy_one_batch  the same with mu
//   residual_variance_ev                 1 - sum var(e) / sum var(x): blind to a constant offset
//   cosine_mean                          of cos(x, r)
//   l2_norm_in_mean, l2_norm_out_mean    of |x|, |r|; l2_ratio_of_means: of these two
//   l2_ratio_mean_of_ratios              mean of |r| / |x|
//   relative_reconstruction_bias         mean |r|^2 / mean <x, r>; ..._mean_of_batches
//   dead_features                        that fired on no token
//   features_density_above_0.1           that fired on more than a tenth of the tokens
//   max_decoder_cosine_signed_mean       mean over features of the largest cosine of their decoder
//   max_decoder_cosine_abs_mean          row with another's; the largest absolute one
//
// Those that are relative to the variance of x are absent where it has none.
//
// Sums are in double, over chunks of rows that depend on the batch alone.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <vector>

#include "measure/metric.h"
#include "tensor/matrix.h"
#include "tensor/sparse_rows.h"

namespace cajal {

/// Sums of one dictionary at one place. Not for two threads at once.
class DictionaryMetrics {
 public:
  explicit DictionaryMetrics(std::size_t features) : fires_(features) {}

  /// One batch, all rows counted: target and reconstruction [tokens, d] of F32 or F64, and the
  /// features that fired, [tokens, features]. Throws InvalidArgument if shapes differ from each
  /// other or from those of the batches before.
  void add(ConstMatRef target, ConstMatRef reconstruction, const SparseRows& fired);
  /// The same rows in any order once all were added: for `explained_variance_legacy_one_batch`,
  /// which is absent otherwise unless there was one batch only.
  void add_again(ConstMatRef target, ConstMatRef reconstruction);
  /// [features] the largest cosine of each decoder row with another one, signed and absolute.
  void set_decoder_cosines(std::span<const double> largest, std::span<const double> absolute);
  /// As if what another layer's dictionary did on as many tokens were more rows and columns of this
  /// one, each column around its own mean.
  void pool(const DictionaryMetrics& other);

  std::size_t tokens() const noexcept { return sums_.tokens; }
  /// Tokens that fired each feature, [features].
  std::span<const std::uint64_t> fires() const noexcept { return fires_; }
  /// Absent where the targets do not vary: one token, or the same again.
  std::optional<double> fvu() const;
  double l0_mean() const;
  /// [d] of the targets, over all tokens.
  const std::vector<double>& mean() const noexcept { return target_.mean; }
  double density(std::size_t feature) const;

  /// Every one, in the order of the names above.
  std::vector<Metric> metrics() const;

 private:
  /// By column: the mean, and summed squared distances from it (Chan, Golub and LeVeque 1983).
  struct Moments {
    std::vector<double> mean;
    std::vector<double> squares;
    void merge(double before, const Moments& other, double added);
  };
  /// Over tokens, unless it says otherwise.
  struct Sums {
    std::size_t tokens = 0;
    double elements = 0.0;  // tokens times columns
    double error = 0.0;     // |e|^2
    double in = 0.0;        // |x|^2
    double out = 0.0;       // |r|^2
    double product = 0.0;   // <x, r>
    double cosine = 0.0;
    double norm_in = 0.0;
    double norm_out = 0.0;
    double norm_ratio = 0.0;
    void add(const Sums& other);
  };
  /// 1 - |e|^2 / |x - mean|^2, summed over tokens that are not the mean itself.
  struct Legacy {
    double sum = 0.0;
    std::size_t tokens = 0;
    void add(const Legacy& other);
    std::optional<double> mean() const;
  };
  struct Chunk;
  static Chunk chunk_of(ConstMatRef target, ConstMatRef reconstruction);
  void merge(const Chunk& chunk);
  static Legacy legacy_of(ConstMatRef target, ConstMatRef reconstruction,
                          std::span<const double> mean);
  void check_shapes(ConstMatRef target, ConstMatRef reconstruction) const;
  void count(const SparseRows& fired);
  double percentile(double part) const;
  double per_token(double sum) const;
  void add_shares(std::vector<Metric>& out) const;
  void add_lengths(std::vector<Metric>& out) const;
  void add_features(std::vector<Metric>& out) const;

  Sums sums_;
  Moments target_;
  Moments error_;
  std::vector<double> squared_errors_;  // [d]
  double l1_ = 0.0;
  Legacy legacy_;
  Legacy one_batch_;
  double bias_ = 0.0;  // over batches
  std::size_t batches_ = 0;
  std::size_t dictionaries_ = 1;
  std::vector<std::uint64_t> fires_;
  std::map<std::size_t, std::uint64_t> l0_;  // tokens by how many features fired
  double cosine_largest_ = 0.0;              // over features
  double cosine_absolute_ = 0.0;
  std::size_t cosines_ = 0;
};

}  // namespace cajal
