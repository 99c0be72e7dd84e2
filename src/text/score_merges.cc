#include "text/score_merges.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace cajal {
namespace {

/// Longer pieces are not split everywhere, which would take the square of their length.
constexpr std::size_t kMostBytes = 512;

}  // namespace

std::vector<BpeMerge> merges_by_score(const Vocabulary& vocabulary,
                                      const std::vector<double>& scores) {
  std::vector<TokenId> order;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    const auto id = static_cast<TokenId>(i);
    if (std::isfinite(scores[i]) && vocabulary.id_of(vocabulary.piece(id)) == id) {
      order.push_back(id);
    }
  }
  const auto score = [&](TokenId id) { return scores[static_cast<std::size_t>(id)]; };
  std::stable_sort(order.begin(), order.end(),
                   [&](TokenId a, TokenId b) { return score(a) > score(b); });
  std::vector<BpeMerge> out;
  std::uint32_t rank = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    rank += i > 0 && score(order[i]) < score(order[i - 1]) ? 1U : 0U;
    const std::string_view piece = vocabulary.piece(order[i]);
    for (std::size_t cut = 1; cut < std::min(piece.size(), kMostBytes); ++cut) {
      const auto left = vocabulary.id_of(piece.substr(0, cut));
      const auto right = left ? vocabulary.id_of(piece.substr(cut)) : std::nullopt;
      if (right) {
        out.push_back({*left, *right, order[i], rank});
      }
    }
  }
  return out;
}

}  // namespace cajal
