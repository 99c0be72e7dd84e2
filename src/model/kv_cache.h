// What attention remembers of the sequences under way: their keys and values.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "model/config.h"
#include "ops/backend.h"
#include "text/token.h"

namespace cajal {

/// How much room a sequence that outgrows its own gets.
enum class Room : std::uint8_t {
  Ahead,  // half as much again as it needs: more tokens follow
  Exact,  // what it needs
};

/// The state of one batch of sequences, in the activation type of one backend. Grows as needed, up
/// to the model's context. Not for use by two threads at once.
class KvCache {
 public:
  KvCache(const ModelConfig& config, Backend& backend, std::size_t sequences);

  /// Whether it has the layers, widths and element type that this model needs on this backend.
  bool fits(const ModelConfig& config, const Backend& backend) const noexcept {
    return layers_ == config.layers && width_ == config.kv_width() &&
           dtype_ == backend.activation_dtype();
  }
  std::size_t sequences() const noexcept { return sequences_.size(); }
  /// Tokens of a sequence so far.
  std::size_t length(std::size_t sequence) const noexcept {
    return sequences_[sequence].tokens.size();
  }
  std::span<const TokenId> tokens(std::size_t sequence) const noexcept {
    return sequences_[sequence].tokens;
  }
  /// Tokens of a sequence that there is room for.
  std::size_t capacity(std::size_t sequence) const noexcept {
    return sequences_[sequence].capacity;
  }
  /// Forgets all but the first `length` tokens of a sequence.
  void truncate(std::size_t sequence, std::size_t length);

  /// Makes room for `tokens` after those that are there. Throws InvalidArgument naming the limit if
  /// that would exceed the context.
  void append(std::size_t sequence, std::span<const TokenId> tokens, Room room = Room::Ahead);
  /// An empty sequence becomes the first `length` tokens of one of another cache, with room for all
  /// that one has.
  void continue_from(std::size_t sequence, const KvCache& other, std::size_t from,
                     std::size_t length);
  /// Length of the sequence that its keys were rotated for (see rope_changes).
  std::size_t rope_length(std::size_t sequence) const noexcept {
    return sequences_[sequence].rope_length;
  }
  void set_rope_length(std::size_t sequence, std::size_t length) noexcept {
    sequences_[sequence].rope_length = length;
  }
  /// [length, kv_heads * d_head], the appended rows not yet written.
  MatRef keys(std::size_t sequence, std::size_t layer);
  MatRef values(std::size_t sequence, std::size_t layer);

 private:
  struct Sequence {
    std::vector<TokenId> tokens;
    std::size_t rope_length = 0;
    std::size_t capacity = 0;
    std::vector<Matrix> keys;  // [layers] of [capacity, kv_width]
    std::vector<Matrix> values;
  };
  void reserve(Sequence& sequence, std::size_t length, Room room);
  void set_capacity(Sequence& sequence, std::size_t capacity);

  Backend* backend_;
  std::size_t context_;
  std::size_t layers_;
  std::size_t width_;
  DType dtype_;
  std::vector<Sequence> sequences_;
};

}  // namespace cajal
