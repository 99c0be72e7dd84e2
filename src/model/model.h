// A transformer one can run and look into.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "model/config.h"
#include "model/kv_cache.h"
#include "model/points.h"
#include "model/weights.h"
#include "text/token.h"

namespace cajal {

class Tape;  // model/tape.h

/// New tokens of several sequences, one after the other: starts[i] .. starts[i + 1] are those of
/// sequence i of the cache (none is allowed). No sequence sees another.
struct Batch {
  std::span<const TokenId> tokens;
  std::span<const std::int32_t> starts;  // [sequences + 1], from 0 to tokens.size()
  /// [tokens] or empty: the token of its own sequence from which on this one is not attended to.
  /// With a tape only, and not for frozen patterns.
  std::span<const std::int32_t> seen_until = {};
};

/// Throws InvalidArgument unless `starts` divides `tokens` into sequences that fit the context, of
/// ids that are in the vocabulary.
void check_sequences(const ModelConfig& config, const Batch& batch);

enum class LogitRows : std::uint8_t {
  None,
  Last,  // of the last new token of each sequence that has new tokens
  All,   // of every new token
};

struct ForwardOptions {
  Precision precision = Precision::F32;
  LogitRows logits = LogitRows::Last;
  const PointSet* points = nullptr;  // what to read and change; nullptr: nothing
  // Tokens the sequences will have in the end, where that is known: LongRope rotates all positions
  // of a long sequence differently. 0: as many as there are after this pass.
  std::size_t final_length = 0;
  // Whether the batch stays in the cache. If not, the cache is afterwards as it was before (but for
  // keys that LongRope had to rotate again), and a pass without logits ends with the last layer
  // that has a point.
  bool keep = true;
};

/// Frozen weights of one model. Immutable after loading: share it among threads, each with its own
/// Backend and KvCache.
class Model {
 public:
  /// A Hugging Face folder (config.json and safetensors) or a GGUF file. Weights stay mapped as
  /// stored. Throws NotFound, CorruptData or Unsupported, naming the file and the tensor or key.
  static std::shared_ptr<const Model> load(const std::filesystem::path& path);
  /// With another configuration file in place of the folder's config.json.
  static std::shared_ptr<const Model> load(const std::filesystem::path& folder,
                                           const std::filesystem::path& config_file);
  Model(ModelConfig config, Weights weights, std::string name);

  const ModelConfig& config() const noexcept { return config_; }
  const Weights& weights() const noexcept { return weights_; }
  /// The path it was loaded from.
  const std::string& name() const noexcept { return name_; }
  /// What its embedding table is stored as.
  DType stored_dtype() const noexcept { return weights_.embeddings.dtype; }
  std::size_t parameters() const noexcept { return weights_.parameters; }

  /// BF16x2 for bf16 files where the device has it, else F32.
  Precision default_precision(const Backend& backend) const noexcept;

  /// Appends the batch to `cache` (see `keep`); returns logits, [rows, vocab] as `options.logits`
  /// says (no rows for None), in host memory of the backend's activation type. Throws
  /// InvalidArgument if a token is outside the vocabulary or a sequence would exceed the context,
  /// naming the limit; the cache is then as it was before.
  Matrix forward(Backend& backend, const Batch& batch, KvCache& cache,
                 const ForwardOptions& options = {}) const;
  /// The same without a cache, each sequence from its first token on, leaving on `tape` what
  /// backward() needs, logits included. Edits at points count there as constants that were added.
  void forward(Backend& backend, const Batch& batch, Tape& tape,
               const ForwardOptions& options = {}) const;

 private:
  ModelConfig config_;
  Weights weights_;
  std::string name_;
};

}  // namespace cajal
