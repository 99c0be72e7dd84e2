// Merge rules for vocabularies that give scores instead of rules.
#pragma once

#include <vector>

#include "text/models/bpe.h"
#include "text/vocabulary.h"

namespace cajal {

/// Every pair of pieces that together are a piece, best score first; equal scores have equal ranks.
/// `scores[id]` for each id that has a piece; pieces whose score is not finite are not made.
std::vector<BpeMerge> merges_by_score(const Vocabulary& vocabulary,
                                      const std::vector<double>& scores);

}  // namespace cajal
