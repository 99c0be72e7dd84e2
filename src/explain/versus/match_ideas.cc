#include "explain/versus/match_ideas.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include <fmt/format.h>

namespace cajal {
namespace {

/// What members have in common, with the part of the idea's share that each has.
using Parts = std::map<std::pair<std::string, std::uint32_t>, double>;

std::string feature_text(const ChartMember& member) {
  return fmt::format("{}:{}", member.layer, member.feature);
}

template <typename Name>
Parts parts_of(const ChartBox& box, std::span<const std::uint32_t> roles, const Name& name) {
  Parts out;
  double all = 0.0;
  for (const ChartMember& member : box.members) {
    all += member.share;
  }
  for (const ChartMember& member : box.members) {
    if (member.position < roles.size() && all > 0.0) {
      out[{name(member), roles[member.position]}] += member.share / all;
    }
  }
  return out;
}

double overlap(const Parts& a, const Parts& b) {
  double out = 0.0;
  for (const auto& [key, part] : a) {
    const auto at = b.find(key);
    out += at == b.end() ? 0.0 : std::min(part, at->second);
  }
  return out;
}

/// An idea as it is compared.
struct Compared {
  Parts features;
  Parts labels;
  std::uint32_t first_layer = 0;
  std::uint32_t last_layer = 0;
};

Compared compared(const ChartBox& box, std::span<const std::uint32_t> roles) {
  return {.features = parts_of(box, roles, feature_text),
          .labels = parts_of(box, roles,
                             [](const ChartMember& member) {
                               return member.label.empty() ? feature_text(member) : member.label;
                             }),
          .first_layer = box.first_layer,
          .last_layer = box.last_layer};
}

double likeness(const Compared& a, const Compared& b) {
  const bool meet = a.first_layer <= b.last_layer && b.first_layer <= a.last_layer;
  const double same = overlap(a.features, b.features);
  const double alike = meet ? overlap(a.labels, b.labels) : 0.0;
  return (same + alike) / 2.0;
}

std::vector<Compared> compared(std::span<const ChartBox> boxes,
                               std::span<const std::uint32_t> roles) {
  std::vector<Compared> out;
  for (const ChartBox& box : boxes) {
    out.push_back(compared(box, roles));
  }
  return out;
}

/// All pairs that are alike enough, the likest first.
std::vector<IdeaPair> candidates(std::span<const Compared> first, std::span<const Compared> second,
                                 double least) {
  std::vector<IdeaPair> out;
  for (std::size_t i = 0; i < first.size(); ++i) {
    for (std::size_t j = 0; j < second.size(); ++j) {
      const double alike = likeness(first[i], second[j]);
      if (alike >= least) {
        out.push_back({i, j, alike});
      }
    }
  }
  std::stable_sort(out.begin(), out.end(),
                   [](const IdeaPair& a, const IdeaPair& b) { return a.likeness > b.likeness; });
  return out;
}

}  // namespace

double likeness(const ChartBox& first, const ChartBox& second, std::span<const SharedRole> roles) {
  return likeness(compared(first, roles_of(roles, 0)), compared(second, roles_of(roles, 1)));
}

std::vector<IdeaPair> match_ideas(std::span<const ChartBox> first, std::span<const ChartBox> second,
                                  std::span<const SharedRole> roles, double least) {
  std::vector<std::uint8_t> first_taken(first.size(), 0);
  std::vector<std::uint8_t> second_taken(second.size(), 0);
  std::vector<IdeaPair> out;
  for (const IdeaPair& pair : candidates(compared(first, roles_of(roles, 0)),
                                         compared(second, roles_of(roles, 1)), least)) {
    if (first_taken[*pair.first] == 0 && second_taken[*pair.second] == 0) {
      first_taken[*pair.first] = second_taken[*pair.second] = 1;
      out.push_back(pair);
    }
  }
  for (std::size_t i = 0; i < first.size(); ++i) {
    if (first_taken[i] == 0) {
      out.push_back({.first = i});
    }
  }
  for (std::size_t j = 0; j < second.size(); ++j) {
    if (second_taken[j] == 0) {
      out.push_back({.second = j});
    }
  }
  return out;
}

}  // namespace cajal
