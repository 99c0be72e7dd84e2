#include "measure/joint_features.h"

#include <algorithm>

#include "base/error.h"

namespace cajal {
namespace {

constexpr double kLeastThere = 0.01;

}  // namespace

JointFeatures::JointFeatures(std::span<const std::vector<JointMember>> groups)
    : size_(groups.size()) {
  for (std::uint32_t g = 0; g < groups.size(); ++g) {
    double all = 0.0;
    for (const JointMember& member : groups[g]) {
      check(member.weight > 0.0 && member.full > 0.0,
            "a member of a group needs a weight and an activation above 0, not {} and {}",
            member.weight, member.full);
      all += member.weight;
    }
    check(all > 0.0, "group {} of features has no members", g);
    for (const JointMember& member : groups[g]) {
      parts_[{member.site, member.feature}].push_back(
          {.group = g, .weight = member.weight / all, .full = member.full});
    }
  }
}

SparseRows JointFeatures::read(std::span<const SparseRows> codes) const {
  SparseRows out{.cols = size_};
  std::vector<double> there(size_);
  for (std::size_t r = 0; !codes.empty() && r < codes.front().rows(); ++r) {
    std::fill(there.begin(), there.end(), 0.0);
    for (std::size_t s = 0; s < codes.size(); ++s) {
      const SparseRows::Row row = codes[s].row(r);
      for (std::size_t i = 0; i < row.size(); ++i) {
        const auto found = parts_.find({s, row.columns[i]});
        if (found == parts_.end()) {
          continue;
        }
        for (const Part& part : found->second) {
          there[part.group] += part.weight * std::clamp(row.values[i] / part.full, 0.0, 1.0);
        }
      }
    }
    for (std::uint32_t g = 0; g < size_; ++g) {
      if (there[g] >= kLeastThere) {
        out.append(g, static_cast<float>(there[g]));
      }
    }
    out.end_row();
  }
  return out;
}

}  // namespace cajal
