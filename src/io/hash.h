// Names for content: the same bytes give the same 32 digits in any file, in any folder, on any
// machine. XXH3 with 128 bits and seed 0; it finds accidents, it does not stand up to an enemy.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "io/tensor.h"

struct XXH3_state_s;  // of xxhash.h

namespace cajal {

/// Grows by what is added. Not for two threads at once.
class Hash {
 public:
  Hash();
  Hash(Hash&&) noexcept;
  Hash(const Hash&) = delete;
  Hash& operator=(Hash&&) noexcept;
  Hash& operator=(const Hash&) = delete;
  ~Hash();

  /// Pieces of one long text: cutting it elsewhere changes nothing.
  void add(std::span<const std::byte> bytes);
  /// A thing of its own, after its length: "ab", "c" differs from "a", "bc".
  void add_entry(std::string_view text);
  void add_number(std::uint64_t number);
  /// 32 hexadecimal digits of all that was added until now.
  std::string digits() const;

 private:
  struct Free {
    void operator()(XXH3_state_s* state) const noexcept;
  };
  std::unique_ptr<XXH3_state_s, Free> state_;
};

/// What `xxh128sum` prints for a file of these bytes.
std::string hash_of(std::span<const std::byte> bytes);
std::string hash_of(std::string_view text);
/// The same for a whole file. Throws as MappedFile.
std::string hash_of_file(const std::filesystem::path& path);

/// Above this, together, tensors are sampled.
inline constexpr std::size_t kHashedWhole = std::size_t{64} << 20U;

/// Adds tensors in the order of their names, whatever their order and their files: of each its
/// name, type, axes and bytes. Of all bytes if they are at most kHashedWhole together; else of a
/// tensor above 64 KiB only 16 pieces of 4 KiB, spread evenly from its first byte to its last: a
/// file of gigabytes costs milliseconds, and a change of single elements there may go unseen.
void add_tensors(Hash& hash, std::span<const StoredTensor> tensors);

}  // namespace cajal
