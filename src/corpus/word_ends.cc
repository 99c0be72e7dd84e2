#include "corpus/word_ends.h"

#include "base/error.h"
#include "base/random.h"

namespace cajal {
namespace {

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

}  // namespace

WordEnds::WordEnds(std::span<const std::string> bytes, double share, std::uint64_t seed)
    : share_(share), seed_(seed) {
  check(share >= 0 && share <= 1, "pieces are hidden in a share of documents from 0 to 1, not {}",
        share);
  for (const std::string& token : bytes) {
    ends_.push_back(
        {!token.empty() && is_letter(token.front()), !token.empty() && is_letter(token.back())});
  }
}

void WordEnds::append(std::span<const TokenId> document,
                      std::vector<std::int32_t>& seen_until) const {
  const std::size_t begin = seen_until.size();
  seen_until.resize(begin + document.size(), kAlwaysSeen);
  if (!hides(document)) {
    return;
  }
  std::size_t end = document.size();  // of the word that token i is a piece of
  for (std::size_t i = document.size(); i-- > 0;) {
    if (i + 1 < document.size() && joins(document[i], document[i + 1])) {
      seen_until[begin + i] = static_cast<std::int32_t>(end);
    } else {
      end = i + 1;
    }
  }
}

bool WordEnds::joins(TokenId left, TokenId right) const {
  return ends_[static_cast<std::size_t>(left)].last && ends_[static_cast<std::size_t>(right)].first;
}

/// By the document alone, so that a training that goes on hides what an uninterrupted one does.
bool WordEnds::hides(std::span<const TokenId> document) const {
  std::uint64_t hash = 0;
  for (const TokenId id : document) {
    hash = random_bits(hash, static_cast<std::uint64_t>(id), 0);
  }
  return random_uniform(seed_, hash, 0) < share_;
}

}  // namespace cajal
