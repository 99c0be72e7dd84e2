// The texts that a command's --corpus names.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "corpus/document_stream.h"

namespace cajal {

/// One stream of all files, in their order. Throws as DocumentStream, and InvalidArgument for more
/// files than can be open at a time.
std::shared_ptr<DocumentStream> open_corpus(const std::vector<std::string>& files);

/// Bytes of a corpus that fingerprint_of() reads: a fraction of a second.
inline constexpr std::uint64_t kFingerprinted = std::uint64_t{1} << 30U;

/// Tells corpora apart: a hash of all their bytes and sizes if there are at most `most` bytes, else
/// of about that many, spread evenly over each file from its first byte to its last; then a change
/// in between may go unseen. Throws as MappedFile::open.
std::string fingerprint_of(const std::vector<std::string>& files,
                           std::uint64_t most = kFingerprinted);

}  // namespace cajal
