#include "corpus/token_source.h"

#include <algorithm>

#include "base/error.h"

namespace cajal {

std::vector<std::vector<TokenId>> framed(std::span<const TokenId> ids, const Framing& framing) {
  check(framing.context >= 3, "a context of {} is too short for a document; at least 3",
        framing.context);
  std::vector<std::vector<TokenId>> out;
  std::vector<TokenId> left(ids.begin(), ids.end());
  left.push_back(framing.eos);
  const std::size_t room = framing.context - 1;
  for (std::size_t begin = 0; begin < left.size(); begin += room) {
    const std::size_t count = std::min(room, left.size() - begin);
    if (count == 1 && begin > 0) {
      break;  // an <eos> alone teaches nothing
    }
    std::vector<TokenId> document = {framing.bos};
    const auto first = left.begin() + static_cast<std::ptrdiff_t>(begin);
    document.insert(document.end(), first, first + static_cast<std::ptrdiff_t>(count));
    out.push_back(std::move(document));
  }
  return out;
}

void TokenizedTexts::add(const Tokenizer& tokenizer, std::string_view text) {
  const auto ids = tokenizer.encode_ids(text, {.add_special_tokens = false});
  if (ids.empty()) {
    return;
  }
  for (const std::vector<TokenId>& document : framed(ids, framing_)) {
    add_document(document);
  }
}

void TokenizedTexts::add_document(std::span<const TokenId> ids) {
  ids_.insert(ids_.end(), ids.begin(), ids.end());
  starts_.push_back(ids_.size());
}

TokenizedTexts TokenizedTexts::split_off(std::size_t count) {
  TokenizedTexts out(framing_);
  const std::size_t kept = starts_.size() - 1 - std::min(count, starts_.size() - 1);
  std::vector<TokenId> document;
  for (std::size_t i = kept; i + 1 < starts_.size(); ++i) {
    read(i, document);
    out.add_document(document);
  }
  starts_.resize(kept + 1);
  ids_.resize(starts_.back());
  return out;
}

void TokenizedTexts::read(std::uint64_t index, std::vector<TokenId>& out) const {
  check(index + 1 < starts_.size(), "there is no document {}; there are {}", index,
        starts_.size() - 1);
  const auto i = static_cast<std::size_t>(index);
  out.assign(ids_.begin() + static_cast<std::ptrdiff_t>(starts_[i]),
             ids_.begin() + static_cast<std::ptrdiff_t>(starts_[i + 1]));
}

}  // namespace cajal
