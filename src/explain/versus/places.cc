#include "explain/versus/places.h"

#include <algorithm>

namespace cajal {

VersusPlaces::VersusPlaces(const VersusSides& sides, std::span<const SharedRole> roles)
    : sides_(sides), roles_(roles) {
  for (std::size_t prompt = 0; prompt < kVersusPrompts; ++prompt) {
    const ClaimGround& ground = sides[prompt].ground;
    roles_of_[prompt] = cajal::roles_of(roles, prompt);
    for (const ActiveFeature& f : ground.replacement.features()) {
      activations_[prompt][{f.layer, f.position, f.feature}] = static_cast<double>(f.activation);
    }
    for (std::uint32_t node = 0; node < ground.features.size(); ++node) {
      const ActiveFeature& f = ground.features[node];
      nodes_[prompt][{f.layer, f.position, f.feature}] = node;
    }
  }
}

std::optional<VersusPlaces::Key> VersusPlaces::key(std::size_t prompt,
                                                   const VersusPlace& place) const {
  const auto at = position(prompt, place.role);
  return at ? std::optional(Key(place.layer, *at, place.feature)) : std::nullopt;
}

double VersusPlaces::activation(std::size_t prompt, const VersusPlace& place) const {
  const auto wanted = key(prompt, place);
  const auto at = wanted ? activations_[prompt].find(*wanted) : activations_[prompt].end();
  return at == activations_[prompt].end() ? 0.0 : at->second;
}

std::optional<std::uint32_t> VersusPlaces::node(std::size_t prompt,
                                                const VersusPlace& place) const {
  const auto wanted = key(prompt, place);
  const auto at = wanted ? nodes_[prompt].find(*wanted) : nodes_[prompt].end();
  return at == nodes_[prompt].end() ? std::nullopt : std::optional(at->second);
}

std::vector<std::uint32_t> VersusPlaces::nodes(std::size_t prompt, const VersusNodes& line) const {
  std::vector<std::uint32_t> out;
  for (const VersusPlace& place : line.features) {
    if (const auto found = node(prompt, place)) {
      out.push_back(*found);
    }
  }
  for (const std::uint32_t role : line.words) {
    if (const auto at = position(prompt, role)) {
      out.push_back(static_cast<std::uint32_t>(sides_[prompt].ground.flow.counts().embedding(*at)));
    }
  }
  std::sort(out.begin(), out.end());
  return out;
}

bool VersusPlaces::counts(std::size_t prompt, std::uint32_t role) const {
  const auto at = position(prompt, role);
  return !at || *at >= sides_[prompt].ground.replacement.options().first_position;
}

bool VersusPlaces::same_word(std::uint32_t role) const {
  const auto first = position(0, role);
  const auto second = position(1, role);
  return first && second &&
         sides_[0].ground.replacement.tokens()[*first] ==
             sides_[1].ground.replacement.tokens()[*second];
}

}  // namespace cajal
