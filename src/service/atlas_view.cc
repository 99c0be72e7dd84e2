#include "service/atlas_view.h"

#include <algorithm>

#include "base/utf8.h"

namespace cajal {
namespace {

constexpr std::size_t kBefore = 10;  // tokens shown of an example
constexpr std::size_t kAfter = 5;

ChartExample example_of(const AtlasStore& atlas, const FeatureExample& example) {
  const std::vector<TokenId> tokens = atlas.sequence(example.sequence).tokens;
  const std::size_t at =
      std::min<std::size_t>(example.token, tokens.empty() ? 0 : tokens.size() - 1);
  const auto text = [&](std::size_t begin, std::size_t end) {
    std::string out;
    for (std::size_t t = begin; t < std::min(end, tokens.size()); ++t) {
      out += atlas.piece(tokens[t]);
    }
    return sanitize_utf8(out);
  };
  return {text(at < kBefore ? 0 : at - kBefore, at), text(at, at + 1),
          text(at + 1, at + 1 + kAfter)};
}

}  // namespace

AtlasView view_of(const AtlasStore& atlas) {
  return {
      .page = [&atlas](FeatureId id) { return atlas.page(id); },
      .piece = [&atlas](TokenId token) { return sanitize_utf8(atlas.piece(token)); },
      .example = [&atlas](const FeatureExample& example) { return example_of(atlas, example); }};
}

}  // namespace cajal
