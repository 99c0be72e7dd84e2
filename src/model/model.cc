#include "model/model.h"

#include <algorithm>

#include "base/error.h"
#include "model/forward/forward_pass.h"

namespace cajal {
namespace {

/// `before(i)`: tokens that sequence i has already.
template <typename Before>
void check_tokens(const ModelConfig& config, const Batch& batch, const Before& before) {
  check(!batch.starts.empty(), "the batch has no list of sequences");
  check(batch.starts.front() == 0 &&
            static_cast<std::size_t>(batch.starts.back()) == batch.tokens.size(),
        "the batch's sequences do not cover its {} tokens", batch.tokens.size());
  for (std::size_t i = 0; i + 1 < batch.starts.size(); ++i) {
    check(batch.starts[i] <= batch.starts[i + 1], "sequence {} of the batch ends before it starts",
          i);
    const std::size_t length =
        before(i) + static_cast<std::size_t>(batch.starts[i + 1] - batch.starts[i]);
    check(length <= config.context, "{} tokens do not fit: the context of this model is {} tokens",
          length, config.context);
  }
  for (const TokenId id : batch.tokens) {
    check(id >= 0 && static_cast<std::size_t>(id) < config.vocab,
          "token id {} is outside the vocabulary of {}", id, config.vocab);
  }
}

void check_batch(const Model& model, const Backend& backend, const Batch& batch,
                 const KvCache& cache) {
  check(cache.fits(model.config(), backend), "the cache was made for another model or backend");
  check(!batch.starts.empty(), "the batch has no list of sequences");
  check(batch.starts.size() == cache.sequences() + 1,
        "the batch describes {} sequences, the cache {}", batch.starts.size() - 1,
        cache.sequences());
  check_tokens(model.config(), batch, [&](std::size_t i) { return cache.length(i); });
}

/// Takes back what a pass appended to the cache, unless it is told that all went well.
class Rollback {
 public:
  explicit Rollback(KvCache& cache) : cache_(&cache) {
    for (std::size_t i = 0; i < cache.sequences(); ++i) {
      lengths_.push_back(cache.length(i));
    }
  }
  Rollback(const Rollback&) = delete;
  Rollback& operator=(const Rollback&) = delete;
  ~Rollback() {
    for (std::size_t i = 0; cache_ != nullptr && i < lengths_.size(); ++i) {
      cache_->truncate(i, lengths_[i]);
    }
  }
  void keep() { cache_ = nullptr; }

 private:
  KvCache* cache_;
  std::vector<std::size_t> lengths_;
};

bool must_rotate_again(const ModelConfig& config, const KvCache& cache, std::size_t sequence,
                       std::size_t length) {
  return cache.length(sequence) != 0 &&
         std::ranges::any_of(config.ropes, [&](const RopeConfig& rope) {
           return rope_changes(rope, cache.rope_length(sequence), length);
         });
}

/// LongRope: keys cached under the other set of divisors are wrong once the sequence crosses the
/// original context, and so is all that was computed from them. Runs those tokens again, with the
/// same edits; readers see only what is new.
void rotate_again(Backend& backend, const Model& model, KvCache& cache, std::size_t sequence,
                  std::size_t length, const ForwardOptions& options) {
  const std::vector<TokenId> tokens(cache.tokens(sequence).begin(), cache.tokens(sequence).end());
  cache.set_rope_length(sequence, length);  // first: if this fails half-way, it is done again
  BatchLayout layout;
  layout.add(sequence, 0, cache.length(sequence), length);
  const PointSet edits = options.points == nullptr ? PointSet() : options.points->only_edits();
  const ForwardOptions again = {
      .precision = options.precision, .logits = LogitRows::None, .points = &edits};
  ForwardPass(backend, model, layout, cache, again).run(tokens);
}

}  // namespace

void check_sequences(const ModelConfig& config, const Batch& batch) {
  check_tokens(config, batch, [](std::size_t) { return std::size_t{0}; });
}

Model::Model(ModelConfig config, Weights weights, std::string name)
    : config_(std::move(config)), weights_(std::move(weights)), name_(std::move(name)) {}

Precision Model::default_precision(const Backend& backend) const noexcept {
  const bool split = stored_dtype() == DType::BF16 && backend.has(Precision::BF16x2);
  return split ? Precision::BF16x2 : Precision::F32;
}

Matrix Model::forward(Backend& backend, const Batch& batch, KvCache& cache,
                      const ForwardOptions& options) const {
  check_batch(*this, backend, batch, cache);
  check(batch.seen_until.empty(), "tokens are hidden from later ones in training only");
  Rollback rollback(cache);
  BatchLayout layout;
  for (std::size_t i = 0; i < cache.sequences(); ++i) {
    const auto begin = static_cast<std::size_t>(batch.starts[i]);
    const auto count = static_cast<std::size_t>(batch.starts[i + 1]) - begin;
    const std::size_t before = cache.length(i);
    if (count == 0) {
      continue;
    }
    const std::size_t length = std::max(before + count, options.final_length);
    if (must_rotate_again(config_, cache, i, length)) {
      rotate_again(backend, *this, cache, i, length, options);
    }
    cache.append(i, batch.tokens.subspan(begin, count), options.keep ? Room::Ahead : Room::Exact);
    cache.set_rope_length(i, length);
    layout.add(i, before, count, length);
  }
  if (layout.segments.empty()) {
    return make_matrix(backend, 0, config_.vocab);
  }
  Matrix logits = ForwardPass(backend, *this, layout, cache, options).run(batch.tokens);
  if (options.keep) {
    rollback.keep();
  }
  return logits;
}

void Model::forward(Backend& backend, const Batch& batch, Tape& tape,
                    const ForwardOptions& options) const {
  check_sequences(config_, batch);
  check(batch.seen_until.empty() || batch.seen_until.size() == batch.tokens.size(),
        "{} of {} tokens say until where they are seen", batch.seen_until.size(),
        batch.tokens.size());
  tape.begin(batch, options.final_length);
  ForwardPass(backend, *this, tape, options).run_taped(batch.tokens);
}

}  // namespace cajal
