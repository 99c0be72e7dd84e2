// What is left of a model's knowledge of the world when a dictionary stands for its layers.
#pragma once

#include <vector>

#include "dictionary/dictionary.h"
#include "measure/probe.h"
#include "measure/world_score.h"

namespace cajal {

/// The same questions asked three times.
struct ReplacedScores {
  std::vector<KindScore> own;
  std::vector<KindScore> replaced;     // all layers replaced, <bos> kept
  std::vector<KindScore> with_errors;  // the same, each with what it lost added back
};

/// Throws what score_world, sites_of and encode throw.
ReplacedScores score_replaced(const Asked& asked, const Dictionary& dictionary,
                              std::optional<TokenId> bos, std::span<const Task* const> tasks,
                              const WorldScoreOptions& options);

/// Embeddings, then what the dictionary's layers read, where that has the model's width: for linear
/// probes beside the features.
std::vector<Point> probe_points(const Dictionary& dictionary, const ModelConfig& config);

}  // namespace cajal
