#include "corpus/packing.h"

#include <algorithm>

#include "base/error.h"

namespace cajal {
namespace {

class Packer {
 public:
  explicit Packer(const PackingOptions& options) : options_(options) {
    batch_.tokens.reserve(options.tokens);
    batch_.targets.reserve(options.tokens);
    batch_.starts.push_back(0);
  }

  /// False if it does not fit.
  bool add(const std::vector<TokenId>& document) {
    check(document.size() <= options_.tokens,
          "a document of {} tokens does not fit into a batch of {}; make the batch larger",
          document.size(), options_.tokens);
    if (batch_.tokens.size() + document.size() > options_.tokens) {
      return false;
    }
    batch_.tokens.insert(batch_.tokens.end(), document.begin(), document.end());
    batch_.targets.insert(batch_.targets.end(), document.begin() + 1, document.end());
    batch_.targets.push_back(-1);
    if (options_.word_ends != nullptr) {
      options_.word_ends->append(document, batch_.seen_until);
    }
    batch_.predictions += document.size() - 1;
    batch_.starts.push_back(static_cast<std::int32_t>(batch_.tokens.size()));
    return true;
  }

  PackedBatch finish() {
    const std::size_t longest = options_.longest == 0 ? options_.tokens : options_.longest;
    while (batch_.tokens.size() < options_.tokens) {
      const std::size_t left = options_.tokens - batch_.tokens.size();
      batch_.tokens.insert(batch_.tokens.end(), std::min(left, longest), options_.pad);
      batch_.starts.push_back(static_cast<std::int32_t>(batch_.tokens.size()));
    }
    batch_.targets.resize(options_.tokens, -1);
    if (options_.word_ends != nullptr) {
      batch_.seen_until.resize(options_.tokens, kAlwaysSeen);
    }
    return std::move(batch_);
  }

 private:
  PackingOptions options_;
  PackedBatch batch_;
};

}  // namespace

PackedBatch pack(Mixture& stream, double progress, const PackingOptions& options) {
  Packer packer(options);
  while (packer.add(stream.peek(progress))) {
    stream.take();
  }
  return packer.finish();
}

PackedBatch pack(const TokenSource& source, std::uint64_t& next, const PackingOptions& options) {
  Packer packer(options);
  const std::optional<std::size_t> count = source.documents();
  std::vector<TokenId> document;
  for (; !count || next < *count; ++next) {
    source.read(next, document);
    if (!packer.add(document)) {
      break;
    }
  }
  return packer.finish();
}

}  // namespace cajal
