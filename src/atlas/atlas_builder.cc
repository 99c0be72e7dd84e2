#include "atlas/atlas_builder.h"

#include <cmath>
#include <set>

#include "base/error.h"
#include "base/random.h"

namespace cajal {
namespace {

constexpr std::uint32_t kPeaksTogether = 32;  // of a feature, at which others are counted
constexpr std::uint32_t kPeaksMeeting = 8;    // of these the first, at which one has to be met
constexpr std::size_t kSequencesBetweenDrops = 4096;

std::size_t bin_of(float value, float first) {
  const float place = static_cast<float>(kHistogramMiddle) + 3.0F * std::log2(value / first);
  // An activation that overflowed has no place; !(x >= 0) is true of NaN, too.
  return !(place >= 0.0F)
             ? 0
             : static_cast<std::size_t>(std::min(place, static_cast<float>(kHistogramBins - 1)));
}

/// Stronger first; of equals the earlier.
bool stronger(const FeatureExample& a, const FeatureExample& b) {
  return a.activation != b.activation ? a.activation > b.activation : a.sequence < b.sequence;
}

}  // namespace

std::string_view name_of(LabelSource source) noexcept {
  switch (source) {
    case LabelSource::None:
      return "none";
    case LabelSource::Truth:
      return "truth";
    case LabelSource::Token:
      return "token";
    case LabelSource::Context:
      return "context";
    case LabelSource::Logits:
      return "logits";
  }
  return "";
}

AtlasBuilder::AtlasBuilder(std::span<const std::size_t> features, AtlasOptions options)
    : options_(options), first_{0} {
  for (const std::size_t count : features) {
    first_.push_back(first_.back() + count);
  }
  states_.resize(first_.back());
}

FeatureId AtlasBuilder::id(std::size_t number) const {
  const auto site = std::upper_bound(first_.begin(), first_.end(), number) - first_.begin() - 1;
  return {static_cast<std::uint32_t>(site),
          static_cast<std::uint32_t>(number - first_[static_cast<std::size_t>(site)])};
}

void AtlasBuilder::add(const TokenBatch& batch, std::span<const std::size_t> rows,
                       std::span<const SparseRows> codes) {
  for (const TokenSequence& sequence : batch.sequences) {
    const std::vector<Firing> firings = firings_of(sequence, rows, codes, first_);
    const auto tokens =
        std::span(batch.tokens).subspan(sequence.begin, sequence.end - sequence.begin);
    const std::uint64_t number = next_sequence_++;
    sequences_[number] = {sequence.document, {tokens.begin(), tokens.end()}};
    for_each_feature(std::span(firings),
                     [&](std::span<const Firing> own) { add_feature(own, number, tokens); });
    count_together(firings);
  }
  tokens_ += rows.size();
  if (sequences_.size() > kept_ + kSequencesBetweenDrops) {
    drop_unused();
  }
}

FeatureExample AtlasBuilder::example(std::span<const Firing> own, const Firing& peak,
                                     std::uint64_t sequence) const {
  FeatureExample out{.sequence = sequence, .token = peak.token, .activation = peak.value};
  for (const Firing& f : own) {
    if (f.token + options_.window >= peak.token && f.token <= peak.token + options_.window) {
      out.firing.emplace_back(f.token, f.value);
    }
  }
  return out;
}

void AtlasBuilder::add_feature(std::span<const Firing> own, std::uint64_t sequence,
                               std::span<const TokenId> tokens) {
  State& state = states_[own.front().feature];
  state.first = state.first == 0.0F ? own.front().value : state.first;
  const Firing* peak = &own.front();
  for (const Firing& f : own) {
    ++state.histogram[bin_of(f.value, state.first)];
    peak = f.value > peak->value ? &f : peak;
  }
  state.fires += own.size();
  state.largest = std::max(state.largest, peak->value);
  const auto token_at = [&](std::uint32_t back) {
    return peak->token >= back ? tokens[peak->token - back] : TokenId{-1};
  };
  state.at.add(token_at(0));
  state.before.add({token_at(2), token_at(1)});
  const std::size_t bin = bin_of(peak->value, state.first);
  const std::uint32_t seen = ++state.peaks[bin];
  // The n-th peak of an interval replaces its example with chance 1 / n, so that each is as likely.
  if (random_bits(options_.seed, own.front().feature, sequence) % seen == 0) {
    state.intervals[bin] = example(own, *peak, sequence);
  }
  if (state.top.size() < options_.top || peak->value > state.top.back().activation) {
    const FeatureExample next = example(own, *peak, sequence);
    state.top.insert(std::upper_bound(state.top.begin(), state.top.end(), next, stronger), next);
    state.top.resize(std::min(state.top.size(), options_.top));
  }
}

void AtlasBuilder::count_together(std::span<const Firing> firings) {
  const bool wanted = std::any_of(firings.begin(), firings.end(), [&](const Firing& f) {
    return states_[f.feature].at.total() <= kPeaksTogether;
  });
  if (!wanted) {
    return;
  }
  std::vector<std::vector<std::uint32_t>> by_token;
  for (const Firing& f : firings) {
    by_token.resize(std::max<std::size_t>(by_token.size(), f.token + 1));
    by_token[f.token].push_back(f.feature);
  }
  for_each_feature(firings, [&](std::span<const Firing> own) {
    State& state = states_[own.front().feature];
    if (state.at.total() <= kPeaksTogether) {
      const Firing& peak = *std::ranges::max_element(own, {}, &Firing::value);
      count_companions(by_token[peak.token], peak.feature, state);
    }
  });
}

// Few counters would not do here as they do for tokens: hundreds of features fire at each peak. So
// those of the first peaks are counted, exactly, and who was met but once by then is let go.
void AtlasBuilder::count_companions(std::span<const std::uint32_t> firing, std::uint32_t self,
                                    State& state) {
  const std::uint32_t peak = state.at.total();  // this one's number, from 1
  std::vector<Companion>& known = state.together;
  std::vector<Companion> met;
  auto at = known.begin();
  for (const std::uint32_t feature : firing) {  // both ascend
    while (at != known.end() && at->feature < feature) {
      ++at;
    }
    if (at != known.end() && at->feature == feature) {
      ++at->peaks;
    } else if (peak <= kPeaksMeeting && feature != self) {
      met.push_back({feature, 1});
    }
  }
  if (!met.empty()) {
    std::vector<Companion> all(known.size() + met.size());
    std::merge(known.begin(), known.end(), met.begin(), met.end(), all.begin(),
               [](const Companion& a, const Companion& b) { return a.feature < b.feature; });
    known = std::move(all);
  }
  if (peak == kPeaksMeeting) {
    std::erase_if(known, [](const Companion& c) { return c.peaks == 1; });
    known.shrink_to_fit();
  }
}

void AtlasBuilder::drop_unused() {
  std::set<std::uint64_t> used;
  for (const State& state : states_) {
    for (const FeatureExample& e : state.top) {
      used.insert(e.sequence);
    }
    for (std::size_t bin = 0; bin < kHistogramBins; ++bin) {
      if (state.peaks[bin] != 0) {
        used.insert(state.intervals[bin].sequence);
      }
    }
  }
  std::erase_if(sequences_, [&](const auto& entry) { return !used.contains(entry.first); });
  kept_ = sequences_.size();
}

FeaturePage AtlasBuilder::page(std::size_t number) const {
  const State& state = states_[number];
  FeaturePage out{.id = id(number),
                  .fires = state.fires,
                  .largest = state.largest,
                  .first = state.first,
                  .histogram = state.histogram,
                  .top = state.top};
  for (std::size_t bin = kHistogramBins; bin-- > 0;) {
    if (state.peaks[bin] != 0) {
      out.intervals.push_back(state.intervals[bin]);
    }
  }
  out.together = together(state);
  return out;
}

std::vector<FeatureNeighbour> AtlasBuilder::together(const State& state) const {
  const float peaks = static_cast<float>(std::min(state.at.total(), kPeaksTogether));
  std::vector<std::pair<float, FeatureNeighbour>> order;
  for (const auto& [other, count] : state.together) {
    if (count < 2) {
      continue;  // met once: no company
    }
    const float share = static_cast<float>(count) / peaks;
    const float density = static_cast<float>(states_[other].fires) /
                          static_cast<float>(std::max<std::uint64_t>(tokens_, 1));
    order.push_back({share - density, {id(other), share}});
  }
  std::stable_sort(order.begin(), order.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<FeatureNeighbour> out;
  for (std::size_t i = 0; i < std::min(order.size(), options_.together); ++i) {
    out.push_back(order[i].second);
  }
  return out;
}

PeakTokens AtlasBuilder::peak_tokens(std::size_t number) const {
  const State& state = states_[number];
  return {.at = state.at.ordered(), .before = state.before.ordered(), .peaks = state.at.total()};
}

}  // namespace cajal
