// Which features of a dictionary, or groups of them, stand for the truths of the world.
#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <vector>

#include "corpus/world/task.h"
#include "dictionary/dictionary.h"
#include "measure/joint_features.h"
#include "measure/truth_features.h"
#include "measure/world_score.h"

namespace cajal {

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

/// What groups of features stand for, each taken as one feature: every label that a group stands
/// for with F1 of at least `least_f1`; `feature` is the group. Likewise.
std::vector<TruthLabel> find_truths_of(const JointFeatures& groups, double least_f1,
                                       const Asked& asked, const Dictionary& dictionary,
                                       const DocumentSource& documents, const TruthRun& run);

}  // namespace cajal
