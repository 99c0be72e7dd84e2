// Dictionaries as files that other tools read: circuit-tracer's layout of transcoders, and
// SAELens's. A folder appears whole or not at all. In one that was there before nothing changes
// until all is written; then the weights of the dictionary that was there go, and the files come
// one by one, the configuration last.
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "dictionary/dictionary.h"

namespace cajal {

struct SaveOptions {
  /// Whether to write into a folder that is there already.
  bool force = false;
  /// The model adds what attention and MLP give as it is, without a norm or factor after them, so
  /// that hook_mlp_out is another name for mlp_out (!ModelConfig::branch_is_changed()).
  bool plain_branches = false;
  /// What else the files should say, under the key "cajal"; an empty object: nothing.
  Json metadata = Json::object({});
};

/// Transcoders and cross-layer transcoders with ReLU or JumpReLU; TopK and BatchTopK need a
/// threshold (as_jump_relu of fold.h), since circuit-tracer 0.5 reads them as ReLU. Scales and
/// pre-biases are folded. Matrices keep the type they are stored in (F64 becomes F32), vectors are
/// F32. Returns the files. Throws InvalidArgument for what the layout cannot hold, naming it, and
/// for a folder that is there.
std::vector<std::filesystem::path> save_circuit_tracer(
    const std::shared_ptr<const Dictionary>& dictionary, const std::filesystem::path& folder,
    const SaveOptions& options = {});

/// SAEs with ReLU, JumpReLU, TopK or AbsTopK and transcoders with ReLU or JumpReLU, as SAELens 6
/// reads them; several layers become folders layer_N in `folder`. The rest as above.
std::vector<std::filesystem::path> save_saelens(const std::shared_ptr<const Dictionary>& dictionary,
                                                const std::filesystem::path& folder,
                                                const SaveOptions& options = {});

}  // namespace cajal
