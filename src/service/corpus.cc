#include "service/corpus.h"

#include <algorithm>

#include "base/error.h"
#include "io/hash.h"

namespace cajal {
namespace {

constexpr std::size_t kMostFiles = 10000;
constexpr std::size_t kPiece = std::size_t{64} << 10U;

/// Adds all of a file if it is at most `most` bytes, else that much of it: pieces spread evenly
/// from its first byte to its last.
void add_file(Hash& hash, std::span<const std::byte> bytes, std::uint64_t most) {
  hash.add_number(bytes.size());
  const std::size_t gaps = std::max<std::size_t>(static_cast<std::size_t>(most / kPiece), 2) - 1;
  if (bytes.size() <= std::max<std::uint64_t>(most, 2 * kPiece)) {
    for (; !bytes.empty(); bytes = bytes.subspan(std::min(kPiece, bytes.size()))) {
      const auto piece = bytes.first(std::min(kPiece, bytes.size()));
      hash.add(piece);
      give_back_pages(piece);
    }
    return;
  }
  const std::size_t room = bytes.size() - kPiece;  // where the last piece begins
  for (std::size_t i = 0; i <= gaps; ++i) {
    // exact without overflow: room = q * gaps + r
    const auto piece = bytes.subspan(room / gaps * i + room % gaps * i / gaps, kPiece);
    hash.add(piece);
    give_back_pages(piece);
  }
}

}  // namespace

std::shared_ptr<DocumentStream> open_corpus(const std::vector<std::string>& files) {
  check(files.size() <= kMostFiles, "{} files are too many; at most {} are read in one go",
        files.size(), kMostFiles);
  const std::vector<std::filesystem::path> paths(files.begin(), files.end());
  return std::make_shared<DocumentStream>(paths);
}

std::string fingerprint_of(const std::vector<std::string>& files, std::uint64_t most) {
  std::vector<std::shared_ptr<const MappedFile>> opened;
  std::uint64_t total = 0;
  for (const std::string& path : files) {
    opened.push_back(MappedFile::open(path));
    total += opened.back()->bytes().size();
  }
  Hash hash;
  for (const auto& file : opened) {
    add_file(hash, file->bytes(), total <= most ? total : most / opened.size());
  }
  return hash.digits();
}

}  // namespace cajal
