// Parts and their plans, as capp-gpt2 has them: a part is six attributes and <SOS>, a plan the
// model's greedy answer. And groups of features that are switched off wherever they fire while a
// plan is written, with random groups like them.
//
// A control has, for each member, another feature of its layer that fires for the same part and
// plan and is no member: a random one of the eight that write most nearly as much over all tokens
// (activation times the norm of the decoder's row). As much is taken from it as the member writes.
#pragma once

#include <map>
#include <vector>

#include "corpus/world/dice.h"
#include "explain/experiments/experiment.h"
#include "intervene/intervention.h"

namespace cajal {

using Ids = std::vector<TokenId>;

/// A feature wherever it fires.
struct GroupMember {
  std::uint32_t layer = 0;
  std::uint32_t feature = 0;
  friend auto operator<=>(const GroupMember&, const GroupMember&) = default;
};

/// How much each feature writes over all tokens of a text.
using WrittenBy = std::map<GroupMember, double>;

class PartPlans {
 public:
  /// Throws InvalidArgument for a model with other names for its tokens.
  explicit PartPlans(const Subject& subject);

  /// Parts at [from, until) of place_in_split(), each once, in an order that `seed` gives.
  std::vector<Ids> parts(double from, double until, std::uint64_t seed) const;
  /// Without the end.
  Ids plan(const Ids& part, const Interventions& interventions = {}) const;
  /// Throws InvalidArgument for a name that the model lacks.
  TokenId token(std::string_view name) const;
  std::string text(const Ids& ids) const;
  WrittenBy written(const Ids& text) const;

 private:
  const Subject& subject_;
};

/// All off, everywhere.
Interventions off(std::span<const GroupMember> group);
/// A random group like it, as above.
Interventions off_like(std::span<const GroupMember> group, const WrittenBy& written, Dice& dice);

}  // namespace cajal
