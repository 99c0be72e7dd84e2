// What is known of one feature, as a value.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "text/token.h"

namespace cajal {

/// A feature by its place: layers()[site] of the dictionary, and its number there.
struct FeatureId {
  std::uint32_t site = 0;
  std::uint32_t feature = 0;
  friend auto operator<=>(const FeatureId&, const FeatureId&) = default;
};

/// Activations are counted in thirds of an octave around the first one that was seen.
inline constexpr std::size_t kHistogramBins = 24;
inline constexpr std::size_t kHistogramMiddle = 12;  // the bin of the first activation
/// Where bin `bin` begins; everything below the first counts there.
inline double bin_begin(double first, std::size_t bin) noexcept {
  return first *
         std::exp2((static_cast<double>(bin) - static_cast<double>(kHistogramMiddle)) / 3.0);
}

/// A place where a feature fires. The text is a sequence that many examples share.
struct FeatureExample {
  std::uint64_t sequence = 0;
  std::uint32_t token = 0;                              // of the sequence, where it fires most
  float activation = 0.0F;                              // there
  std::vector<std::pair<std::uint32_t, float>> firing;  // tokens near by that fire it, ascending
};

/// A token and what a feature adds to its logit, times 1, up to one factor for all tokens.
struct TokenEffect {
  TokenId token = 0;
  float logit = 0.0F;
};

struct FeatureNeighbour {
  FeatureId id;
  float score = 0.0F;  // cosine; or the share of this feature's peaks at which the other fires
};

enum class LabelSource : std::uint8_t { None, Truth, Token, Context, Logits };
/// "none", "truth", "token", "context", "logits".
std::string_view name_of(LabelSource source) noexcept;

struct FeatureLabel {
  std::string
      text;  // "state=Texas", "fires on \" Texas\"", "after \"capital of\"", "says \" Austin\""
  LabelSource source = LabelSource::None;
  double score = 0.0;  // Truth: F1 on documents it was not chosen by; else the share it holds for
  double from = 0.0;   // Truth: the score is that of activations from here on

  /// That of a feature that fires so strongly: itself, or none.
  FeatureLabel at(double activation) const { return activation >= from ? *this : FeatureLabel(); }
};

struct FeaturePage {
  FeatureId id;
  std::uint64_t fires = 0;  // tokens
  float largest = 0.0F;
  float first = 0.0F;                                     // what the histogram is around
  std::array<std::uint32_t, kHistogramBins> histogram{};  // tokens by activation
  std::vector<FeatureExample> top;        // strongest first, each of another sequence
  std::vector<FeatureExample> intervals;  // one for each bin that has one, strongest first
  std::vector<TokenEffect> promoted;      // most first
  std::vector<TokenEffect> suppressed;
  std::vector<FeatureNeighbour> near;      // by decoder cosine, nearest first
  std::vector<FeatureNeighbour> together;  // that fire where it peaks
  FeatureLabel label;
};

}  // namespace cajal
