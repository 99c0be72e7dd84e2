// What the entries of one layer's code do: from pre-activations to activations, and from the
// gradient of activations to those of pre-activations, thresholds and decoder norms, penalties
// included. Everything here goes over entries and features, nothing over [tokens, features].
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "tensor/sparse_pattern.h"
#include "train/dictionary/recipe.h"

namespace cajal {

/// What a layer's code is made with in one step.
struct CodeContext {
  const DictionaryRecipe* recipe = nullptr;
  std::size_t t = 0;
  std::span<const double> theta = {};       // [features], of JumpReLU
  std::span<const double> norms = {};       // [features], where the recipe needs them
  std::span<const std::uint8_t> dead = {};  // [features]
  std::span<const double> total_h = {};     // [features] sum over tokens, for PreActivation
  double penalty = 1.0;                     // times the coefficient of sparsity
};

/// Whether norms of decoder rows enter the recipe.
bool needs_norms(const DictionaryRecipe& recipe) noexcept;

/// theta of a threshold parameter, and its derivative is theta itself where it is a logarithm.
std::vector<double> thresholds_of(const DictionaryRecipe& recipe, std::vector<double> parameter);

/// a of each entry; entries in the window below theta have 0.
std::vector<double> activations(const SparseEntries& entries, const CodeContext& context);

struct CodeGradient {
  std::vector<double> dh;          // [stored]
  std::vector<double> everywhere;  // [features] added to dh of all tokens, entries or not; empty: 0
  std::vector<double> dnorm;       // [features]; empty: 0
  std::vector<double> dthreshold;  // [features] of the parameter; empty: none
  double sparsity = 0.0;           // terms of the loss, coefficients included
  double pre_activation = 0.0;
};

/// `da` [stored]: the gradient of the reconstruction.
CodeGradient code_gradient(const SparseEntries& entries, std::span<const double> a,
                           std::span<const double> da, const CodeContext& context);

}  // namespace cajal
