// Norms whose denominators are those of an unchanged run. Private to this folder.
#pragma once

#include <memory>
#include <vector>

#include "intervene/prompt_values.h"

namespace cajal {

/// One norm of a model: what it reads, where its result can be put, and its gain.
struct NormSite {
  Point input;
  Point output;
  NormWeights weights;      // absent: the result goes in before gain and bias
  double multiplier = 1.0;  // of the result
};

/// All norms of a model but those of queries and keys, which only patterns see.
std::vector<NormSite> norms_of(const Model& model);

/// Makes the first pass of `set`, over a prompt of clean.at[site.input].rows() tokens, use the
/// denominators of `clean`. The result holds what the edits share; it must outlive the use of
/// `set`.
std::shared_ptr<const void> freeze_norm(const Model& model, const NormSite& site,
                                        const PromptValues& clean, PointSet& set);

}  // namespace cajal
