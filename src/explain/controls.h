// What claims are tried with: a batch on the prompt they are about, and random groups like a given
// one in layer, position, size and length (claims.h says how). Private to this folder.
#pragma once

#include <map>
#include <vector>

#include "explain/claims.h"
#include "intervene/batch.h"

namespace cajal {

/// For interventions on the ground's prompt, with its model and dictionary as they were traced;
/// runs the model once. Throws what InterventionBatch throws. The ground's backend must outlive it.
InterventionBatch batch_on(const ClaimGround& ground, std::stop_token cancel = {});

/// A feature and how much is added to its activation.
struct FeatureShift {
  std::size_t layer = 0;
  std::size_t position = 0;
  std::size_t feature = 0;
  double amount = 0.0;
};

/// Makes interventions of groups of nodes, and of random groups like them.
class ControlGroups {
 public:
  ControlGroups(const ClaimGround& ground, std::uint64_t seed) : ground_(ground), seed_(seed) {}

  /// The group switched off.
  BatchCase off(std::span<const std::uint32_t> nodes) const;
  /// A random group like it; `draw` tells one from the next. The same seed, draw and nodes give the
  /// same group.
  BatchCase like(std::span<const std::uint32_t> nodes, std::uint64_t draw);
  /// The same for features that change by other amounts (by layer and position), and for words that
  /// other ones take the place of: as far in what is written, up or down as each member.
  BatchCase like(std::span<const FeatureShift> shifts, std::span<const EmbeddingEdit> words,
                 std::uint64_t draw);

 private:
  /// Members of one layer at one position.
  struct Place {
    std::size_t layer = 0;
    std::size_t position = 0;
    std::vector<std::size_t> features;
    std::vector<double> amounts;  // [features]
  };
  class Draws;

  static std::vector<Place> places_of(std::span<const FeatureShift> shifts);
  double written(std::size_t layer, std::size_t feature);
  std::vector<std::size_t> pool(const Place& place, Draws& draws);
  BatchCase random_case(std::span<const FeatureShift> shifts, Draws& draws);
  void replace(const Place& place, Draws& draws, BatchCase& out);
  std::size_t other_token(std::size_t position, Draws& draws) const;
  EmbeddingEdit other_embedding(std::size_t position, Draws& draws) const;
  EmbeddingEdit other_word(const EmbeddingEdit& word, Draws& draws) const;

  const ClaimGround& ground_;
  std::uint64_t seed_;
  std::map<std::pair<std::size_t, std::size_t>, double> written_;  // by layer, feature
};

}  // namespace cajal
