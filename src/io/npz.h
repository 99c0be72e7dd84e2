// NumPy's .npz files: a zip archive of .npy files, stored or deflated.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "io/npy.h"
#include "io/tensor.h"

namespace cajal {

/// The archive; arrays are unpacked when they are read. Any number of threads may read (they take
/// turns).
class Npz {
 public:
  /// Throws NotFound or CorruptData, naming the file.
  static std::shared_ptr<const Npz> open(const std::filesystem::path& path);
  /// A file in memory. `owner` is kept as long as the object; without it the bytes must outlive it.
  static std::shared_ptr<const Npz> parse(std::span<const std::byte> bytes, std::string name,
                                          std::shared_ptr<const void> owner = nullptr);
  ~Npz();
  Npz(const Npz&) = delete;
  Npz& operator=(const Npz&) = delete;

  /// Of the arrays, without ".npy", in the order of the archive.
  const std::vector<std::string>& names() const noexcept;
  bool contains(std::string_view name) const noexcept;
  /// Unpacks an array. Throws NotFound if there is none of that name, Unsupported (another
  /// compression, encryption), ResourceExhausted for one that claims to unpack to more than 64 MiB
  /// and 100 times its packed size, and what Npy::parse throws.
  std::shared_ptr<const Npy> read(std::string_view name) const;

 private:
  struct Archive;
  explicit Npz(std::unique_ptr<Archive> archive);
  std::unique_ptr<Archive> archive_;
};

enum class Packing : std::uint8_t { Store, Deflate };

/// Writes whole or not at all, the same bytes for the same arrays. Holds the archive in memory
/// while it is made: use safetensors for large things. Throws InvalidArgument for a name that
/// occurs twice.
void write_npz(const std::filesystem::path& path, std::span<const NamedMatrix> arrays,
               Packing packing = Packing::Store);

}  // namespace cajal
