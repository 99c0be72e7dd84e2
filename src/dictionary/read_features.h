// The features that fire while a model reads.
#pragma once

#include <vector>

#include "dictionary/encode.h"
#include "dictionary/sites.h"
#include "model/model.h"

namespace cajal {

/// By layers(): features that fire on `rows` of a batch, [rows.size(), features]. `logits`, if not
/// nullptr, gets those of every token. Throws what forward and encode throw.
std::vector<SparseRows> read_features(Backend& backend, const Model& model,
                                      const Dictionary& dictionary, const Batch& batch,
                                      std::span<const std::size_t> rows, Precision precision,
                                      Matrix* logits = nullptr);

}  // namespace cajal
