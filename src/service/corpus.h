// The texts that a command's --corpus names.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "corpus/document_stream.h"

namespace cajal {

/// One stream of all files, in their order. Throws as DocumentStream, and InvalidArgument for more
/// files than can be open at a time.
std::shared_ptr<DocumentStream> open_corpus(const std::vector<std::string>& files);

/// Tells corpora apart at the price of a few pages of each file: its size, its begin and its end.
std::string fingerprint_of(const std::vector<std::string>& files);

}  // namespace cajal
