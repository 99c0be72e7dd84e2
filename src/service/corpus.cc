#include "service/corpus.h"

#include <algorithm>

#include "base/error.h"
#include "io/hash.h"

namespace cajal {
namespace {

constexpr std::size_t kMostFiles = 10000;
constexpr std::size_t kSampled = std::size_t{64} << 10U;  // bytes at either end of a file

}  // namespace

std::shared_ptr<DocumentStream> open_corpus(const std::vector<std::string>& files) {
  check(files.size() <= kMostFiles, "{} files are too many; at most {} are read in one go",
        files.size(), kMostFiles);
  const std::vector<std::filesystem::path> paths(files.begin(), files.end());
  return std::make_shared<DocumentStream>(paths);
}

std::string fingerprint_of(const std::vector<std::string>& files) {
  Hash hash;
  for (const std::string& path : files) {
    const auto file = MappedFile::open(path);
    const std::size_t sampled = std::min(kSampled, file->bytes().size());
    hash.add_number(file->bytes().size());
    hash.add(file->bytes().first(sampled));
    hash.add(file->bytes().last(sampled));
  }
  return hash.digits();
}

}  // namespace cajal
