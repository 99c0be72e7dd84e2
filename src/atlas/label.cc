#include "atlas/label.h"

#include <fmt/format.h>

namespace cajal {
namespace {

constexpr double kMost = 0.5;       // share of the peaks
constexpr double kWellAbove = 1.3;  // the first token's logit over the second's
constexpr std::size_t kNamed = 3;   // tokens in a label

double share(std::uint32_t count, std::uint32_t of) {
  return of == 0 ? 0.0 : static_cast<double>(count) / static_cast<double>(of);
}

std::optional<FeatureLabel> by_token(const PeakTokens& peaks, const PieceOf& piece,
                                     std::size_t most) {
  std::string names;
  double held = 0.0;
  for (std::size_t i = 0; i < std::min(most, peaks.at.size()); ++i) {
    names += fmt::format("{}\"{}\"", names.empty() ? "" : ", ", piece(peaks.at[i].first));
    held += share(peaks.at[i].second, peaks.peaks);
    if (held >= kMost) {
      return FeatureLabel{"fires on " + names, LabelSource::Token, std::min(held, 1.0)};
    }
  }
  return std::nullopt;
}

std::optional<FeatureLabel> by_context(const PeakTokens& peaks, const PieceOf& piece) {
  if (peaks.before.empty()) {
    return std::nullopt;
  }
  const auto& [tokens, count] = peaks.before.front();
  const double held = share(count, peaks.peaks);
  if (held < kMost || tokens.second < 0) {
    return std::nullopt;
  }
  const std::string first = tokens.first < 0 ? "" : piece(tokens.first);
  return FeatureLabel{fmt::format("after \"{}{}\"", first, piece(tokens.second)),
                      LabelSource::Context, held};
}

std::optional<FeatureLabel> by_logits(std::span<const TokenEffect> promoted, const PieceOf& piece) {
  if (promoted.size() < 2 || promoted[1].logit <= 0.0F) {
    return std::nullopt;
  }
  const double above =
      static_cast<double>(promoted[0].logit) / static_cast<double>(promoted[1].logit);
  return above < kWellAbove
             ? std::nullopt
             : std::optional(FeatureLabel{fmt::format("says \"{}\"", piece(promoted[0].token)),
                                          LabelSource::Logits, above});
}

}  // namespace

FeatureLabel label_of(const PeakTokens& peaks, std::span<const TokenEffect> promoted,
                      const PieceOf& piece) {
  if (peaks.peaks == 0) {
    return {};
  }
  if (auto label = by_token(peaks, piece, 1)) {
    return *label;
  }
  if (auto label = by_context(peaks, piece)) {
    return *label;
  }
  if (auto label = by_logits(promoted, piece)) {
    return *label;
  }
  return by_token(peaks, piece, kNamed).value_or(FeatureLabel{});
}

}  // namespace cajal
