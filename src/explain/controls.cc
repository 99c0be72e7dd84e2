#include "explain/controls.h"

#include <algorithm>
#include <cmath>

#include "base/random.h"
#include "dictionary/encode.h"

namespace cajal {
namespace {

constexpr std::size_t kPoolFactor = 4;  // candidates for each feature that is to be replaced
constexpr std::size_t kTries = 64;      // for each that is looked for at random

double norm_of(ConstMatRef m, std::size_t row) {
  double squares = 0.0;
  for (std::size_t c = 0; c < m.cols; ++c) {
    squares += element(m, row, c) * element(m, row, c);
  }
  return std::sqrt(squares);
}

bool contains(std::span<const std::size_t> values, std::size_t value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

}  // namespace

InterventionBatch batch_on(const ClaimGround& ground, std::stop_token cancel) {
  const LocalReplacement& traced = ground.replacement;
  return {ground.backend,
          traced.shared_model(),
          traced.shared_dictionary(),
          {traced.tokens().begin(), traced.tokens().end()},
          {.precision = traced.options().precision,
           .first_position = traced.options().first_position,
           .cancel = std::move(cancel)}};
}

/// Numbers of one random group.
class ControlGroups::Draws {
 public:
  Draws(std::uint64_t seed, std::uint64_t stream) : seed_(seed), stream_(stream) {}
  std::size_t below(std::size_t count) {
    return static_cast<std::size_t>(random_uniform(seed_, stream_, counter_++) *
                                    static_cast<double>(count));
  }

 private:
  std::uint64_t seed_;
  std::uint64_t stream_;
  std::uint64_t counter_ = 0;
};

BatchCase ControlGroups::off(std::span<const std::uint32_t> nodes) const {
  const NodeCounts& counts = ground_.flow.counts();
  BatchCase out;
  for (const std::uint32_t node : nodes) {
    if (node < counts.features) {
      const ActiveFeature& f = ground_.features[node];
      out.features.push_back({.layer = f.layer,
                              .positions = Positions::at(f.position),
                              .feature = f.feature,
                              .change = {ChangeKind::Set, 0.0}});
      continue;
    }
    EmbeddingEdit edit = {.position = node - counts.embedding(0), .add = {}};
    const ConstMatRef vectors = ground_.replacement.token_vectors();
    for (std::size_t c = 0; c < vectors.cols; ++c) {
      edit.add.push_back(-element(vectors, edit.position, c));
    }
    out.embeddings.push_back(std::move(edit));
  }
  return out;
}

BatchCase ControlGroups::like(std::span<const std::uint32_t> nodes, std::uint64_t draw) {
  const NodeCounts& counts = ground_.flow.counts();
  std::vector<FeatureShift> off;
  for (const std::uint32_t node : nodes) {
    if (node < counts.features) {
      const ActiveFeature& f = ground_.features[node];
      off.push_back({f.layer, f.position, f.feature, -static_cast<double>(f.activation)});
    }
  }
  Draws draws(seed_, draw);
  BatchCase out = random_case(off, draws);
  for (const std::uint32_t node : nodes) {
    if (node >= counts.features) {
      out.embeddings.push_back(other_embedding(node - counts.embedding(0), draws));
    }
  }
  return out;
}

BatchCase ControlGroups::like(std::span<const FeatureShift> shifts,
                              std::span<const EmbeddingEdit> words, std::uint64_t draw) {
  Draws draws(seed_, draw);
  BatchCase out = random_case(shifts, draws);
  for (const EmbeddingEdit& word : words) {
    out.embeddings.push_back(other_word(word, draws));
  }
  return out;
}

BatchCase ControlGroups::random_case(std::span<const FeatureShift> shifts, Draws& draws) {
  BatchCase out;
  for (const Place& place : places_of(shifts)) {
    replace(place, draws, out);
  }
  return out;
}

std::vector<ControlGroups::Place> ControlGroups::places_of(std::span<const FeatureShift> shifts) {
  std::vector<Place> out;
  for (const FeatureShift& shift : shifts) {
    if (out.empty() || out.back().layer != shift.layer || out.back().position != shift.position) {
      out.push_back({shift.layer, shift.position, {}, {}});
    }
    out.back().features.push_back(shift.feature);
    out.back().amounts.push_back(shift.amount);
  }
  return out;
}

/// How long what a feature writes is when its activation is 1, in all layers it writes to.
double ControlGroups::written(std::size_t layer, std::size_t feature) {
  const auto [at, is_new] = written_.try_emplace({layer, feature}, 0.0);
  if (is_new) {
    const Dictionary& dictionary = ground_.replacement.dictionary();
    const std::size_t source = *dictionary.index_of(layer);
    double squares = 0.0;
    for (std::size_t target = source; target < dictionary.layers().size(); ++target) {
      const auto [begin, end] = dictionary.sources_of(target);
      if (source >= begin && source < end) {
        const double factor = decoder_factor(dictionary, source, feature, target, {});
        const double norm = norm_of(dictionary.decoder_row(source, feature, target), 0) * factor;
        squares += norm * norm;
      }
    }
    at->second = std::sqrt(squares);
  }
  return at->second;
}

/// Features to draw from: those that fire there and, where they are few, others of the layer.
std::vector<std::size_t> ControlGroups::pool(const Place& place, Draws& draws) {
  std::vector<std::size_t> out;
  for (const ActiveFeature& f : ground_.replacement.features()) {
    const bool there = f.layer == place.layer && f.position == place.position;
    if (there && !contains(place.features, f.feature) && written(f.layer, f.feature) > 0.0) {
      out.push_back(f.feature);
    }
  }
  const Dictionary& dictionary = ground_.replacement.dictionary();
  const std::size_t all = dictionary.layers()[*dictionary.index_of(place.layer)].features();
  const std::size_t enough =
      std::min(kPoolFactor * place.features.size(), all - place.features.size());
  // Of a layer whose features are nearly all in use, some tries may not find enough.
  for (std::size_t tries = 0; out.size() < enough && tries < kTries * enough; ++tries) {
    const std::size_t feature = draws.below(all);
    if (!contains(out, feature) && !contains(place.features, feature) &&
        written(place.layer, feature) > 0.0) {
      out.push_back(feature);
    }
  }
  return out;
}

void ControlGroups::replace(const Place& place, Draws& draws, BatchCase& out) {
  std::vector<std::size_t> candidates = pool(place, draws);
  for (std::size_t i = 0; i < place.features.size(); ++i) {
    if (candidates.empty()) {
      return;
    }
    const std::size_t drawn = draws.below(candidates.size());
    const std::size_t other = candidates[drawn];
    candidates.erase(candidates.begin() + static_cast<std::ptrdiff_t>(drawn));
    const double length = place.amounts[i] * written(place.layer, place.features[i]);
    out.features.push_back({.layer = place.layer,
                            .positions = Positions::at(place.position),
                            .feature = other,
                            .change = {ChangeKind::Add, length / written(place.layer, other)}});
  }
}

/// Not the prompt's own; its own if none is found.
std::size_t ControlGroups::other_token(std::size_t position, Draws& draws) const {
  const ConstMatRef table = ground_.replacement.model().weights().embeddings;
  const auto own = static_cast<std::size_t>(ground_.replacement.tokens()[position]);
  // Of a vocabulary with nothing but padding beside, some tries may not find one.
  for (std::size_t tries = 0; tries < kTries * kTries; ++tries) {
    const std::size_t token = draws.below(table.rows);
    if (token != own && norm_of(table, token) > 0.0) {
      return token;
    }
  }
  return own;
}

EmbeddingEdit ControlGroups::other_embedding(std::size_t position, Draws& draws) const {
  const ConstMatRef table = ground_.replacement.model().weights().embeddings;
  const double length = norm_of(ground_.replacement.token_vectors(), position);
  const std::size_t token = other_token(position, draws);
  const bool found = token != static_cast<std::size_t>(ground_.replacement.tokens()[position]);
  const double factor = found ? length / norm_of(table, token) : 0.0;
  EmbeddingEdit out = {.position = position, .add = std::vector<double>(table.cols)};
  for (std::size_t c = 0; c < table.cols; ++c) {
    out.add[c] = -element(table, token, c) * factor;
  }
  return out;
}

/// Another token takes the word's place, as far from it as what took its place in `word`.
EmbeddingEdit ControlGroups::other_word(const EmbeddingEdit& word, Draws& draws) const {
  const ConstMatRef own = ground_.replacement.token_vectors();
  EmbeddingEdit out = other_embedding(word.position, draws);
  double wanted = 0.0;
  double got = 0.0;
  for (std::size_t c = 0; c < out.add.size(); ++c) {
    out.add[c] = -out.add[c] - element(own, word.position, c);
    got += out.add[c] * out.add[c];
    wanted += word.add[c] * word.add[c];
  }
  for (double& x : out.add) {
    x *= got > 0.0 ? std::sqrt(wanted / got) : 0.0;
  }
  return out;
}

}  // namespace cajal
