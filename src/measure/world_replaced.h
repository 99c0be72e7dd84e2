// What is left of a model's knowledge of the world when a dictionary stands for its layers, and
// which features of the dictionary stand for the world's truths.
#pragma once

#include <vector>

#include "dictionary/dictionary.h"
#include "measure/probe.h"
#include "measure/truth_features.h"
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

/// `count` documents that training could have seen, of the tasks by their weights; (seed, count)
/// decide them. The tasks must outlive the source.
DocumentSource world_documents(const std::vector<const Task*>& tasks, std::uint64_t seed,
                               std::uint64_t count);

struct TruthResult {
  std::size_t documents = 0;
  std::size_t tokens = 0;
  std::vector<TruthLabel> labels;  // of measure/truth_features.h; spans of kind "fact" left out
  std::size_t rare = 0;            // labels with too few spans to say
};

struct TruthRun {
  std::optional<TokenId> bos;
  TruthOptions options = {};
  std::stop_token cancel = {};
  std::function<void(std::size_t tokens)> progress = {};
};

/// One pass over the documents. Throws Cancelled, and what forward and encode throw.
TruthResult find_truth_features(const Asked& asked, const Dictionary& dictionary,
                                const DocumentSource& documents, const TruthRun& run);

}  // namespace cajal
