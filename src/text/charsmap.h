// The normalisation table inside SentencePiece models ("precompiled_charsmap"): a double-array trie
// (Yata's Darts-clone) from character sequences to their replacements.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cajal {

class Charsmap {
 public:
  /// `blob`: 32-bit size of the trie, the trie, the replacements, each ended by a zero. An empty
  /// blob replaces nothing. Throws CorruptData naming `where`.
  Charsmap(std::string_view blob, std::string_view where);

  struct Match {
    std::size_t length = 0;  // bytes of the text
    std::string_view replacement;
  };
  std::optional<Match> shortest(std::string_view text) const;
  std::optional<Match> longest(std::string_view text) const;
  bool empty() const noexcept { return units_.empty(); }

 private:
  template <typename Found>
  void prefixes(std::string_view text, const Found& found) const;
  std::string_view replacement(std::uint32_t at) const noexcept;

  std::vector<std::uint32_t> units_;
  std::string replacements_;  // valid UTF-8
};

}  // namespace cajal
