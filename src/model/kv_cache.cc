#include "model/kv_cache.h"

#include <algorithm>

#include "base/error.h"

namespace cajal {
namespace {

constexpr std::size_t kSmallestCapacity = 64;  // rows; below that growing costs more than it saves

Matrix grown(Backend& backend, const Matrix& old, std::size_t rows_used, std::size_t capacity,
             std::size_t width) {
  Matrix bigger = make_matrix(backend, capacity, width);
  if (rows_used != 0) {
    backend.copy(old.ref().row_range(0, rows_used), bigger.ref().row_range(0, rows_used));
  }
  return bigger;
}

}  // namespace

KvCache::KvCache(const ModelConfig& config, Backend& backend, std::size_t sequences)
    : backend_(&backend),
      context_(config.context),
      layers_(config.layers),
      width_(config.kv_width()),
      dtype_(backend.activation_dtype()),
      sequences_(sequences) {
  for (Sequence& sequence : sequences_) {
    sequence.keys.resize(layers_);
    sequence.values.resize(layers_);
  }
}

void KvCache::truncate(std::size_t sequence, std::size_t length) {
  auto& tokens = sequences_[sequence].tokens;
  tokens.resize(std::min(length, tokens.size()));
}

void KvCache::append(std::size_t sequence, std::span<const TokenId> tokens, Room room) {
  Sequence& s = sequences_[sequence];
  const std::size_t length = s.tokens.size() + tokens.size();
  check(length <= context_, "{} tokens do not fit: the model's context is {} tokens", length,
        context_);
  reserve(s, length, room);
  s.tokens.insert(s.tokens.end(), tokens.begin(), tokens.end());
}

void KvCache::reserve(Sequence& s, std::size_t length, Room room) {
  if (length <= s.capacity) {
    return;
  }
  // Half as much again also after the prompt: what is not yet written to takes no memory.
  const std::size_t ahead = std::min(context_, std::max(kSmallestCapacity, length + length / 2));
  set_capacity(s, room == Room::Exact ? length : ahead);
}

void KvCache::set_capacity(Sequence& s, std::size_t capacity) {
  for (std::size_t layer = 0; layer < layers_; ++layer) {
    s.keys[layer] = grown(*backend_, s.keys[layer], s.tokens.size(), capacity, width_);
    s.values[layer] = grown(*backend_, s.values[layer], s.tokens.size(), capacity, width_);
  }
  s.capacity = capacity;
}

void KvCache::continue_from(std::size_t sequence, const KvCache& other, std::size_t from,
                            std::size_t length) {
  Sequence& to = sequences_[sequence];
  const Sequence& source = other.sequences_[from];
  check(to.tokens.empty() && length <= source.tokens.size(),
        "a sequence of {} tokens cannot go on from {} of another's {}", to.tokens.size(), length,
        source.tokens.size());
  check(layers_ == other.layers_ && width_ == other.width_ && dtype_ == other.dtype_,
        "the cache was made for another model or backend");
  if (to.capacity < source.tokens.size()) {
    set_capacity(to, source.tokens.size());
  }
  for (std::size_t layer = 0; length != 0 && layer < layers_; ++layer) {
    backend_->copy(source.keys[layer].ref().row_range(0, length),
                   to.keys[layer].ref().row_range(0, length));
    backend_->copy(source.values[layer].ref().row_range(0, length),
                   to.values[layer].ref().row_range(0, length));
  }
  to.tokens.assign(source.tokens.begin(),
                   source.tokens.begin() + static_cast<std::ptrdiff_t>(length));
  to.rope_length = source.rope_length;
}

MatRef KvCache::keys(std::size_t sequence, std::size_t layer) {
  return sequences_[sequence].keys[layer].ref().row_range(0, length(sequence));
}

MatRef KvCache::values(std::size_t sequence, std::size_t layer) {
  return sequences_[sequence].values[layer].ref().row_range(0, length(sequence));
}

}  // namespace cajal
