#include "service/atlas_view.h"

#include <algorithm>

#include "base/error.h"
#include "service/target_token.h"

namespace cajal {
namespace {

constexpr std::size_t kBefore = 8;  // tokens around an example
constexpr std::size_t kAfter = 5;

/// The token where the feature fires most and its neighbours that fire it too, with some text
/// around.
ChartExample example_of(const AtlasStore& atlas, const Session& session,
                        const FeatureExample& example) {
  const AtlasSequence sequence = atlas.sequence(example.sequence);
  const std::size_t size = sequence.tokens.size();
  check(example.token < size, "the atlas has an example at token {} of a text of {}", example.token,
        size);
  const auto fires = [&](std::size_t t) {
    return t == example.token || std::any_of(example.firing.begin(), example.firing.end(),
                                             [t](const auto& firing) { return firing.first == t; });
  };
  std::size_t first = example.token;
  std::size_t last = example.token;
  while (first > 0 && fires(first - 1)) {
    --first;
  }
  while (last + 1 < size && fires(last + 1)) {
    ++last;
  }
  const auto text = [&](std::size_t begin, std::size_t end) {
    std::string out;
    for (std::size_t t = begin; t < end; ++t) {
      const TokenId id = sequence.tokens[t];
      const bool special = session.tokenizer != nullptr && session.tokenizer->is_special(id);
      out += special ? "" : atlas.piece(id);
    }
    return out;
  };
  return {.before = text(first - std::min(first, kBefore), first),
          .firing = text(first, last + 1),
          .after = text(last + 1, std::min(size, last + 1 + kAfter))};
}

}  // namespace

AtlasView view_of(const AtlasStore& atlas, const Session& session) {
  return {.page = [&atlas](FeatureId id) { return atlas.page(id); },
          .piece = [&session](TokenId id) { return text_of_token(session, id); },
          .example =
              [&atlas, &session](const FeatureExample& example) {
                return example_of(atlas, session, example);
              }};
}

}  // namespace cajal
