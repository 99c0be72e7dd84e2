// Which features fire: the function between a dictionary's encoder and its decoder.
//
// With h the pre-activations of a token (times `feature_scale`, if a layer has one):
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace cajal {

enum class ActivationKind : std::uint8_t {
  Relu,       // h where h > 0
  TopK,       // the k largest h of a token
  AbsTopK,    // the k largest |h| of a token, with their sign
  BatchTopK,  // the floor(k * tokens) largest h > 0 of all the tokens given at once
  GroupMax,   // the largest h > 0 in each of k groups of neighbouring features
  JumpRelu,   // h where h > threshold (strictly)
  Gated,      // relu((h - b_enc) * magnitude_scale + magnitude_bias) where h > 0
};
inline constexpr std::size_t kActivationKinds = 7;

/// "relu", "topk", "abstopk", "batchtopk", "groupmax", "jumprelu", "gated".
std::string_view name_of(ActivationKind kind) noexcept;

/// Of equal values at the edge of a selection the lower feature is taken.
struct ActivationFunction {
  ActivationKind kind = ActivationKind::Relu;
  double k = 0.0;  // TopK, AbsTopK, GroupMax: a whole number; BatchTopK: the mean of a token
  // TopK and JumpRelu: what is selected counts even if it is negative; otherwise it is dropped
  // (published files differ). Without meaning for the others.
  bool keeps_negative = false;
  std::vector<float> threshold = {};        // JumpRelu: [features]
  std::vector<float> magnitude_scale = {};  // Gated: [features], exp(r_mag)
  std::vector<float> magnitude_bias = {};   // Gated: [features]
};

}  // namespace cajal
