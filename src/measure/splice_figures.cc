#include "measure/splice_figures.h"

#include <fmt/format.h>

namespace cajal {
namespace {

constexpr std::array<SpliceVariant, 2> kDictionary = {SpliceVariant::DictionaryKeepBos,
                                                      SpliceVariant::DictionaryAll};
constexpr std::array<SpliceVariant, 3> kAblations = {
    SpliceVariant::ZeroKeepBos, SpliceVariant::ZeroAll, SpliceVariant::MeanKeepBos};

}  // namespace

std::string_view name_of(SpliceVariant variant) noexcept {
  switch (variant) {
    case SpliceVariant::DictionaryKeepBos:
      return "sae_keep_bos";
    case SpliceVariant::DictionaryAll:
      return "sae_all_positions";
    case SpliceVariant::ZeroKeepBos:
      return "zero_keep_bos";
    case SpliceVariant::ZeroAll:
      return "zero_all_positions";
    case SpliceVariant::MeanKeepBos:
      return "mean_keep_bos";
    case SpliceVariant::ErrorAddedBack:
      return "error_added_back";
  }
  return "";
}

void SpliceFigures::Pair::add(ConstMatRef before, ConstMatRef after,
                              std::span<const TokenId> tokens,
                              std::span<const std::int32_t> targets, std::optional<TokenId> bos) {
  const std::vector<PredictionChange> changes = prediction_changes(before, after, targets);
  std::vector<std::uint8_t> counted;
  for (const TokenId token : tokens) {
    counted.push_back(token == bos ? 0 : 1);
  }
  all.add(changes, targets);
  non_bos.add(changes, targets, counted);
}

void SpliceFigures::add_original(ConstMatRef logits, std::span<const TokenId> tokens,
                                 std::span<const std::int32_t> targets,
                                 std::optional<TokenId> bos) {
  original_.add(logits, logits, tokens, targets, bos);
}

void SpliceFigures::add(SpliceVariant variant, ConstMatRef original, ConstMatRef changed,
                        std::span<const TokenId> tokens, std::span<const std::int32_t> targets,
                        std::optional<TokenId> bos) {
  std::optional<Pair>& pair = variants_[static_cast<std::size_t>(variant)];
  if (!pair) {
    pair.emplace();
  }
  pair->add(original, changed, tokens, targets, bos);
}

std::vector<Metric> SpliceFigures::figures(PredictionMeans Pair::* which) const {
  const auto means = [&](SpliceVariant variant) -> const PredictionMeans* {
    const auto& pair = variants_[static_cast<std::size_t>(variant)];
    return pair ? &((*pair).*which) : nullptr;
  };
  const double original = (original_.*which).cross_entropy();
  std::vector<Metric> out = {{"ce_original", original}};
  std::vector<Metric> kl;
  for (std::size_t v = 0; v < kSpliceVariants; ++v) {
    const auto variant = static_cast<SpliceVariant>(v);
    if (const PredictionMeans* m = means(variant)) {
      out.push_back({fmt::format("ce_{}", name_of(variant)), m->cross_entropy()});
      kl.push_back({fmt::format("kl_{}", name_of(variant)), m->kl()});
    }
  }
  out.insert(out.end(), kl.begin(), kl.end());
  for (const SpliceVariant dictionary : kDictionary) {
    const PredictionMeans* sae = means(dictionary);
    if (sae == nullptr) {
      continue;
    }
    const std::string_view name = name_of(dictionary);
    out.push_back({fmt::format("delta_ce_{}", name), sae->cross_entropy() - original});
    for (const SpliceVariant ablation : kAblations) {
      if (const PredictionMeans* abl = means(ablation)) {
        out.push_back({fmt::format("ce_recovered_{}_vs_{}", name, name_of(ablation)),
                       ce_recovered(original, sae->cross_entropy(), abl->cross_entropy())});
        out.push_back({fmt::format("kl_score_{}_vs_{}", name, name_of(ablation)),
                       kl_score(sae->kl(), abl->kl())});
      }
    }
  }
  return out;
}

}  // namespace cajal
