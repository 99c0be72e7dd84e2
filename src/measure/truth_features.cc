#include "measure/truth_features.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <tuple>

#include "base/error.h"
#include "base/random.h"

namespace cajal {
namespace {

constexpr std::size_t kChoosing = 0;  // halves
constexpr std::size_t kTesting = 1;

std::size_t half_of(std::uint64_t document) {
  return random_bits(0, 0x7472757468, document) & 1U;
}

/// Calls run(largest bin) for the maximal runs of consecutive tokens; `token` and `bin` say of
/// firing i, in ascending order of tokens, what they are.
template <typename Firings, typename Run>
void for_runs(const Firings& firings, const Run& run) {
  for (std::size_t i = 0; i < firings.size();) {
    std::uint32_t largest = firings[i].bin;
    std::size_t end = i + 1;
    for (; end < firings.size() && firings[end].token == firings[end - 1].token + 1; ++end) {
      largest = std::max(largest, firings[end].bin);
    }
    run(largest);
    i = end;
  }
}

/// Whether spans hold a token; tokens beyond the last of them are in none.
class Covered {
 public:
  template <typename Ranges>
  explicit Covered(const Ranges& spans) {
    for (const auto& [begin, end] : spans) {
      inside_.resize(std::max(inside_.size(), end), 0);
      std::fill(inside_.begin() + static_cast<std::ptrdiff_t>(begin),
                inside_.begin() + static_cast<std::ptrdiff_t>(end), std::uint8_t{1});
    }
  }
  bool holds(std::size_t token) const { return token < inside_.size() && inside_[token] != 0; }

 private:
  std::vector<std::uint8_t> inside_;
};

/// Adds up bins from `from` on.
template <typename Bins>
double above(const Bins& bins, std::size_t from) {
  return static_cast<double>(std::accumulate(bins.begin() + static_cast<std::ptrdiff_t>(from),
                                             bins.end(), std::int64_t{0}));
}

}  // namespace

TruthFeatures::TruthFeatures(std::span<const std::size_t> features, TruthOptions options)
    : options_(options), first_{0} {
  for (const std::size_t count : features) {
    first_.push_back(first_.back() + count);
  }
  features_.resize(first_.back());
}

std::uint32_t TruthFeatures::bin_of(std::uint32_t feature, float value) {
  Feature& f = features_[feature];
  if (f.base == 0.0F) {
    f.base = value;
  }
  const float place = 12.0F + 3.0F * std::log2(value / f.base);
  // An activation that overflowed has no place; !(x >= 0) is true of NaN, too.
  return !(place >= 0.0F)
             ? 0
             : static_cast<std::uint32_t>(std::min(place, static_cast<float>(kBins - 1)));
}

std::vector<TruthFeatures::BinnedFiring> TruthFeatures::binned(std::span<const Firing> firings) {
  std::vector<BinnedFiring> out;
  out.reserve(firings.size());
  for (const Firing& f : firings) {
    out.push_back({f.feature, f.token, bin_of(f.feature, f.value)});
  }
  return out;
}

void TruthFeatures::add(const TokenBatch& batch, std::span<const std::size_t> rows,
                        std::span<const SparseRows> codes) {
  for (const TokenSequence& sequence : batch.sequences) {
    const std::vector<BinnedFiring> firings = binned(firings_of(sequence, rows, codes, first_));
    const std::size_t half = half_of(sequence.document);
    tokens_[half] +=
        static_cast<std::size_t>(std::lower_bound(rows.begin(), rows.end(), sequence.end) -
                                 std::lower_bound(rows.begin(), rows.end(), sequence.begin));
    std::vector<std::span<const BinnedFiring>> by_feature;
    for_each_feature(std::span(firings), [&](std::span<const BinnedFiring> own) {
      by_feature.push_back(own);
      Feature& feature = features_[own.front().feature];
      for_runs(own, [&](std::uint32_t bin) { ++feature.runs[half][bin]; });
      for (const BinnedFiring& f : own) {
        ++feature.tokens[half][f.bin];
      }
    });
    std::map<std::pair<std::string, std::string>, std::vector<Range>> spans;
    for (const Span& span : batch.document_of(sequence).spans) {
      const std::vector<std::size_t> tokens = tokens_of(batch, sequence, span);
      if (!tokens.empty()) {
        spans[{span.kind, span.value}].emplace_back(tokens.front() - sequence.begin,
                                                    tokens.back() + 1 - sequence.begin);
      }
    }
    for (const auto& [name, ranges] : spans) {
      Label& label = labels_[name];
      add_label(label, ranges, half, by_feature);
      if (label.pairs.size() > 2 * options_.most) {
        shrink(label);
      }
    }
  }
}

void TruthFeatures::add_label(Label& label, const std::vector<Range>& spans, std::size_t half,
                              std::span<const std::span<const BinnedFiring>> by_feature) {
  label.spans[half] += spans.size();
  for (const auto& [begin, end] : spans) {
    label.tokens[half] += end - begin;
  }
  const Covered covered(spans);
  std::vector<BinnedFiring> outside;
  for (const std::span<const BinnedFiring> own : by_feature) {
    if (std::none_of(own.begin(), own.end(),
                     [&](const BinnedFiring& f) { return covered.holds(f.token); })) {
      continue;
    }
    Pair& pair = label.pairs[own.front().feature];
    for (const auto& [first, last] : spans) {
      int largest = -1;
      for (const BinnedFiring& f : own) {
        if (first <= f.token && f.token < last) {
          largest = std::max(largest, static_cast<int>(f.bin));
          pair.inside[f.bin] += half == kTesting ? 1 : 0;
        }
      }
      if (largest >= 0) {
        ++pair.hits[half][static_cast<std::size_t>(largest)];
      }
    }
    for_runs(own, [&](std::uint32_t bin) { --pair.beside[half][bin]; });
    outside.clear();
    std::copy_if(own.begin(), own.end(), std::back_inserter(outside),
                 [&](const BinnedFiring& f) { return !covered.holds(f.token); });
    for_runs(outside, [&](std::uint32_t bin) { ++pair.beside[half][bin]; });
  }
}

TruthFeatures::Score TruthFeatures::score(const Label& label, double hits, double alarms,
                                          std::size_t half) {
  if (hits <= 0.0) {
    return {};
  }
  Score out{.precision = hits / (hits + std::max(0.0, alarms)),
            .recall = hits / static_cast<double>(label.spans[half])};
  out.f1 = 2.0 * out.precision * out.recall / (out.precision + out.recall);
  return out;
}

TruthFeatures::Score TruthFeatures::score(const Label& label, const Pair& pair,
                                          const Feature& feature, std::size_t half,
                                          std::size_t bin) {
  return score(label, above(pair.hits[half], bin),
               above(feature.runs[half], bin) + above(pair.beside[half], bin), half);
}

std::pair<std::size_t, double> TruthFeatures::best_bin(const Label& label, const Pair& pair,
                                                       const Feature& feature, std::size_t half) {
  std::pair<std::size_t, double> out{0, 0.0};
  double hits = 0.0;
  double alarms = 0.0;
  double f1 = 0.0;
  for (std::size_t bin = kBins; bin-- > 0;) {
    const std::int32_t hits_here = pair.hits[half][bin];
    const std::int32_t alarms_here = feature.runs[half][bin] + pair.beside[half][bin];
    if (hits_here != 0 || alarms_here != 0) {  // most bins are empty
      hits += hits_here;
      alarms += alarms_here;
      f1 = score(label, hits, alarms, half).f1;
    }
    out = f1 >= out.second ? std::pair(bin, f1) : out;
  }
  return out;
}

void TruthFeatures::shrink(Label& label) const {
  std::vector<std::pair<double, std::uint32_t>> order;
  for (const auto& [feature, pair] : label.pairs) {
    const Feature& f = features_[feature];
    order.emplace_back(-std::max(best_bin(label, pair, f, kChoosing).second,
                                 best_bin(label, pair, f, kTesting).second),
                       feature);
  }
  std::sort(order.begin(), order.end());
  for (std::size_t i = options_.most; i < order.size(); ++i) {
    label.pairs.erase(order[i].second);
  }
}

double TruthFeatures::auroc(const Label& label, const Pair& pair, const Feature& feature) const {
  const auto spans = static_cast<double>(label.spans[kTesting]);
  const double others = static_cast<double>(tokens_[kTesting] - label.tokens[kTesting]);
  if (spans == 0.0 || others == 0.0) {
    return 0.5;
  }
  double better = 0.0;  // pairs in which the span is above the other token; ties count half
  double below = others;
  double hits = 0.0;
  for (std::size_t bin = 0; bin < kBins; ++bin) {
    below -= feature.tokens[kTesting][bin] - pair.inside[bin];
  }
  for (std::size_t bin = 0; bin < kBins; ++bin) {
    const double same = feature.tokens[kTesting][bin] - pair.inside[bin];
    better += pair.hits[kTesting][bin] * (below + 0.5 * same);
    below += same;
    hits += pair.hits[kTesting][bin];
  }
  const double silent = others - (above(feature.tokens[kTesting], 0) - above(pair.inside, 0));
  return (better + 0.5 * (spans - hits) * silent) / (spans * others);
}

TruthLabel TruthFeatures::figures(const Name& name, const Label& label, std::uint32_t number,
                                  const Pair& pair, std::pair<std::size_t, double> best) const {
  const auto site = std::upper_bound(first_.begin(), first_.end(), number) - first_.begin() - 1;
  const Feature& feature = features_[number];
  const double from = (static_cast<double>(best.first) - 12.0) / 3.0;
  const Score tested = score(label, pair, feature, kTesting, best.first);
  TruthLabel out{.kind = name.first, .value = name.second, .spans = label.spans[kTesting]};
  out.site = static_cast<std::size_t>(site);
  out.feature = static_cast<std::uint32_t>(number - first_[out.site]);
  out.threshold = best.first == 0 ? 0.0 : static_cast<double>(feature.base) * std::exp2(from);
  out.f1_chosen = best.second;
  out.precision = tested.precision;
  out.recall = tested.recall;
  out.f1 = tested.f1;
  out.auroc = auroc(label, pair, feature);
  return out;
}

TruthLabel TruthFeatures::result(const Name& name, const Label& label) const {
  const Pair* chosen = nullptr;
  std::uint32_t feature = 0;
  std::pair<std::size_t, double> best{0, 0.0};
  for (const auto& [number, pair] : label.pairs) {
    const auto here = best_bin(label, pair, features_[number], kChoosing);
    const bool better = here.second > best.second ||
                        (chosen != nullptr && here.second == best.second && number < feature);
    if (better) {
      chosen = &pair;
      feature = number;
      best = here;
    }
  }
  return chosen == nullptr
             ? TruthLabel{.kind = name.first, .value = name.second, .spans = label.spans[kTesting]}
             : figures(name, label, feature, *chosen, best);
}

bool TruthFeatures::is_common(const Label& label) const {
  return std::min(label.spans[0], label.spans[1]) >= options_.min_spans;
}

std::vector<TruthLabel> TruthFeatures::labels() const {
  std::vector<TruthLabel> out;
  for (const auto& [name, label] : labels_) {
    if (is_common(label)) {
      out.push_back(result(name, label));
    }
  }
  return out;
}

std::vector<TruthLabel> TruthFeatures::pairs(double least_f1) const {
  std::vector<TruthLabel> out;
  for (const auto& [name, label] : labels_) {
    if (!is_common(label)) {
      continue;
    }
    for (const auto& [number, pair] : label.pairs) {
      TruthLabel next =
          figures(name, label, number, pair, best_bin(label, pair, features_[number], kChoosing));
      if (next.f1_chosen > 0.0 && next.f1 >= least_f1) {
        out.push_back(std::move(next));
      }
    }
  }
  std::ranges::sort(
      out, {}, [](const TruthLabel& l) { return std::tie(l.site, l.feature, l.kind, l.value); });
  return out;
}

std::vector<TruthLabel> TruthFeatures::of_features(double least_f1) const {
  std::vector<TruthLabel> out;
  for (TruthLabel& next : pairs(0.0)) {
    const bool same =
        !out.empty() && out.back().site == next.site && out.back().feature == next.feature;
    // Which label is best is for the first half to say, or the second would flatter it.
    if (!same) {
      out.push_back(std::move(next));
    } else if (next.f1_chosen > out.back().f1_chosen) {
      out.back() = std::move(next);
    }
  }
  std::erase_if(out, [&](const TruthLabel& label) { return label.f1 < least_f1; });
  return out;
}

std::size_t TruthFeatures::rare() const {
  return static_cast<std::size_t>(std::count_if(
      labels_.begin(), labels_.end(), [&](const auto& entry) { return !is_common(entry.second); }));
}

}  // namespace cajal
