#include "text/vocabulary.h"

#include <algorithm>
#include <cstring>

namespace cajal {

std::uint64_t hash_bytes(std::string_view bytes) noexcept {
  constexpr std::uint64_t kMultiplier = 0x9E3779B97F4A7C15U;
  std::uint64_t hash = bytes.size() * kMultiplier;
  while (!bytes.empty()) {
    std::uint64_t word = 0;
    const std::size_t count = std::min<std::size_t>(8, bytes.size());
    std::memcpy(&word, bytes.data(), count);
    hash = (hash ^ word) * kMultiplier;
    hash ^= hash >> 29U;
    bytes.remove_prefix(count);
  }
  return hash ^ (hash >> 32U);
}

void Vocabulary::reserve(std::size_t tokens, std::size_t bytes) {
  bytes_.reserve(bytes);
  entries_.reserve(tokens);
  while (slots_.size() < 2 * tokens) {
    grow();
  }
}

bool Vocabulary::add(std::string_view piece, TokenId id) {
  if (id < 0 || id >= kMostTokens || has(id)) {
    return false;
  }
  const auto index = static_cast<std::size_t>(id);
  if (entries_.size() <= index) {
    entries_.resize(index + 1);
  }
  if (2 * (pieces_ + 1) > slots_.size()) {
    grow();
  }
  entries_[index] = {bytes_.size(), static_cast<std::uint32_t>(piece.size()), true};
  bytes_ += piece;
  slots_[slot_of(piece)] = id;
  ++pieces_;
  return true;
}

std::optional<TokenId> Vocabulary::id_of(std::string_view piece) const noexcept {
  if (slots_.empty()) {
    return std::nullopt;
  }
  const TokenId id = slots_[slot_of(piece)];
  return id < 0 ? std::nullopt : std::optional(id);
}

std::string_view Vocabulary::piece(TokenId id) const noexcept {
  const Entry* const found = entry(id);
  return found == nullptr ? std::string_view()
                          : std::string_view(bytes_).substr(found->begin, found->length);
}

const Vocabulary::Entry* Vocabulary::entry(TokenId id) const noexcept {
  if (id < 0 || static_cast<std::size_t>(id) >= entries_.size()) {
    return nullptr;
  }
  const Entry& found = entries_[static_cast<std::size_t>(id)];
  return found.used ? &found : nullptr;
}

std::size_t Vocabulary::slot_of(std::string_view piece) const noexcept {
  const std::size_t mask = slots_.size() - 1;
  std::size_t slot = hash_bytes(piece) & mask;
  while (slots_[slot] >= 0 && this->piece(slots_[slot]) != piece) {
    slot = (slot + 1) & mask;
  }
  return slot;
}

void Vocabulary::grow() {
  const std::vector<TokenId> old = std::move(slots_);
  slots_.assign(std::max<std::size_t>(1024, 2 * old.size()), -1);
  for (const TokenId id : old) {
    if (id >= 0) {
      slots_[slot_of(piece(id))] = id;
    }
  }
}

}  // namespace cajal
