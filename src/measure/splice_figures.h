// What replacing points by a dictionary costs, beside ablations, under the field's names.
//
// ce_X and kl_X of each variant X; delta_ce_sae_Y, ce_recovered_sae_Y_vs_Z and kl_score_sae_Y_vs_Z
// for Y = keep_bos and all_positions and each ablation Z (formulas in prediction.h). There are two
// averages of each: over all tokens, and over those that are not <bos> themselves. (SAELens's
// ce_loss_score is ce_recovered_sae_keep_bos_vs_zero_all_positions of the second.)
#pragma once

#include <array>
#include <span>
#include <string_view>
#include <vector>

#include "measure/metric.h"
#include "measure/prediction.h"
#include "text/token.h"

namespace cajal {

enum class SpliceVariant : std::uint8_t {
  DictionaryKeepBos,  // every token but <bos> replaced
  DictionaryAll,
  ZeroKeepBos,
  ZeroAll,
  MeanKeepBos,  // the mean of the tokens that are not <bos>
  ErrorAddedBack,
};
inline constexpr std::size_t kSpliceVariants = 6;

/// "sae_keep_bos", "sae_all_positions", "zero_keep_bos", "zero_all_positions", "mean_keep_bos",
/// "error_added_back".
std::string_view name_of(SpliceVariant variant) noexcept;

/// Averages of the original and of each variant that was run.
class SpliceFigures {
 public:
  /// Logits [tokens, vocab] of a batch: the original's, given once a batch, before its variants.
  void add_original(ConstMatRef logits, std::span<const TokenId> tokens,
                    std::span<const std::int32_t> targets, std::optional<TokenId> bos);
  /// Of the same batch.
  void add(SpliceVariant variant, ConstMatRef original, ConstMatRef changed,
           std::span<const TokenId> tokens, std::span<const std::int32_t> targets,
           std::optional<TokenId> bos);

  /// Tokens that were predicted.
  std::size_t predictions() const noexcept { return original_.all.predictions(); }
  /// Those of variants that were run, in the order of the names above.
  std::vector<Metric> all() const { return figures(&Pair::all); }
  std::vector<Metric> non_bos() const { return figures(&Pair::non_bos); }

 private:
  struct Pair {
    PredictionMeans all;
    PredictionMeans non_bos;
    void add(ConstMatRef before, ConstMatRef after, std::span<const TokenId> tokens,
             std::span<const std::int32_t> targets, std::optional<TokenId> bos);
  };
  std::vector<Metric> figures(PredictionMeans Pair::* which) const;

  Pair original_;
  std::array<std::optional<Pair>, kSpliceVariants> variants_;
};

}  // namespace cajal
