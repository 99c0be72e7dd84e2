// Features of two prompts at the roles that these share: where they fire, how strongly, and which
// nodes of the graphs they are. Private to this folder.
#pragma once

#include <map>
#include <tuple>

#include "explain/versus/build_versus.h"

namespace cajal {

class VersusPlaces {
 public:
  VersusPlaces(const VersusSides& sides, std::span<const SharedRole> roles);

  std::optional<std::uint32_t> position(std::size_t prompt, std::uint32_t role) const {
    return roles_[role].in(prompt);
  }
  std::uint32_t role(std::size_t prompt, std::uint32_t position) const {
    return roles_of_[prompt][position];
  }
  /// 0 where it does not fire, and where the prompt lacks the role.
  double activation(std::size_t prompt, const VersusPlace& place) const;
  /// Of the graph; nullopt where it has no row for it.
  std::optional<std::uint32_t> node(std::size_t prompt, const VersusPlace& place) const;
  /// The prompt's nodes of a line, words' embeddings included, ascending.
  std::vector<std::uint32_t> nodes(std::size_t prompt, const VersusNodes& line) const;
  bool same_word(std::uint32_t role) const;
  /// Features begin after the first position: what fires there counts as nothing. False where the
  /// prompt has the role at such a position, so that nothing is known of features there.
  bool counts(std::size_t prompt, std::uint32_t role) const;
  /// In both prompts, so that features there can become what they are in the other.
  bool exchangeable(std::uint32_t role) const { return counts(0, role) && counts(1, role); }

 private:
  using Key = std::tuple<std::uint32_t, std::uint32_t, std::uint32_t>;  // layer, position, feature

  std::optional<Key> key(std::size_t prompt, const VersusPlace& place) const;

  const VersusSides& sides_;
  std::span<const SharedRole> roles_;
  std::array<std::vector<std::uint32_t>, kVersusPrompts> roles_of_;
  std::array<std::map<Key, double>, kVersusPrompts> activations_;
  std::array<std::map<Key, std::uint32_t>, kVersusPrompts> nodes_;
};

}  // namespace cajal
