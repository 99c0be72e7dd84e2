#include "io/hash.h"

#include <algorithm>
#include <array>
#include <new>
#include <vector>
#include <xxhash.h>

#include <fmt/format.h>

#include "base/error.h"
#include "base/file.h"

namespace cajal {
namespace {

constexpr std::size_t kPiece = 4096;
constexpr std::size_t kPieces = 16;

/// Most significant digit first, as xxh128sum writes it.
std::string digits_of(XXH128_hash_t hash) {
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

std::vector<const StoredTensor*> by_name(std::span<const StoredTensor> tensors) {
  std::vector<const StoredTensor*> out;
  out.reserve(tensors.size());
  for (const StoredTensor& tensor : tensors) {
    out.push_back(&tensor);
  }
  std::sort(out.begin(), out.end(),
            [](const StoredTensor* a, const StoredTensor* b) { return a->name < b->name; });
  return out;
}

void add_samples(Hash& hash, std::span<const std::byte> bytes) {
  const std::size_t room = bytes.size() - kPiece;  // where the last piece begins
  for (std::size_t i = 0; i < kPieces; ++i) {
    // exact without overflow: room = q * 15 + r
    const std::size_t begin = room / (kPieces - 1) * i + room % (kPieces - 1) * i / (kPieces - 1);
    hash.add(bytes.subspan(begin, kPiece));
  }
}

}  // namespace

Hash::Hash() : state_(XXH3_createState()) {
  if (state_ == nullptr) {
    throw std::bad_alloc();
  }
  XXH3_128bits_reset(state_.get());
}

Hash::Hash(Hash&&) noexcept = default;
Hash& Hash::operator=(Hash&&) noexcept = default;
Hash::~Hash() = default;

void Hash::Free::operator()(XXH3_state_s* state) const noexcept {
  XXH3_freeState(state);
}

void Hash::add(std::span<const std::byte> bytes) {
  XXH3_128bits_update(state_.get(), bytes.data(), bytes.size());
}

void Hash::add_entry(std::string_view text) {
  add_number(text.size());
  add(std::as_bytes(std::span(text)));
}

void Hash::add_number(std::uint64_t number) {
  std::array<std::byte, 8> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) {  // the same on big-endian machines
    bytes[i] = static_cast<std::byte>(number >> (8 * i));
  }
  add(bytes);
}

std::string Hash::digits() const {
  return digits_of(XXH3_128bits_digest(state_.get()));
}

std::string hash_of(std::span<const std::byte> bytes) {
  return digits_of(XXH3_128bits(bytes.data(), bytes.size()));
}

std::string hash_of(std::string_view text) {
  return hash_of(std::as_bytes(std::span(text)));
}

std::string hash_of_file(const std::filesystem::path& path) {
  return hash_of(MappedFile::open(path)->bytes());
}

void add_tensors(Hash& hash, std::span<const StoredTensor> tensors) {
  std::size_t total = 0;
  for (const StoredTensor& tensor : tensors) {
    total += tensor.bytes.size();
  }
  for (const StoredTensor* tensor : by_name(tensors)) {
    hash.add_entry(tensor->name);
    hash.add_entry(tensor->type);
    hash.add_number(tensor->shape.size());
    for (const std::size_t axis : tensor->shape) {
      hash.add_number(axis);
    }
    hash.add_number(tensor->bytes.size());
    const bool whole = total <= kHashedWhole || tensor->bytes.size() <= kPieces * kPiece;
    if (whole) {
      hash.add(tensor->bytes);
    } else {
      add_samples(hash, tensor->bytes);
    }
  }
}

}  // namespace cajal
