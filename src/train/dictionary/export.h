// A learned dictionary as others use it: scales, norms and biases of learning folded into plain
// matrices, and a threshold for every feature in place of a selection among tokens.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "dictionary/dictionary.h"
#include "train/dictionary/learner.h"

namespace cajal {

/// What a layer's data was multiplied by before it was learned.
struct LayerScales {
  double input = 1.0;
  double output = 1.0;
};

struct ExportOptions {
  DictionaryKind kind = DictionaryKind::Transcoder;
  DType dtype = DType::BF16;  // of the matrices; biases and thresholds are F32
  std::string model_name;
  std::vector<std::size_t> layers;  // of the model
  std::vector<std::string> inputs;  // names of points
  std::vector<std::string> outputs;
  Json metadata = Json::object({});  // how it was learned
};

/// All learners' layers as one dictionary: of a model's layers one learner each, or the one learner
/// of a CLT. Decoder rows have norm 1, so an activation is how much its feature writes; b_dec is
/// not subtracted from the input; scales are folded. `heldout` [rows, d_in], by layer and not
/// scaled: the thresholds of TopK and BatchTopK are such that on these rows k features of a layer
/// fire on average. Dead features keep what they have.
std::shared_ptr<const Dictionary> exported(std::span<const DictionaryLearner* const> learners,
                                           std::span<const LayerScales> scales,
                                           std::span<const ConstMatRef> heldout,
                                           const ExportOptions& options);

}  // namespace cajal
