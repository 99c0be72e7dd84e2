// Gathers the pages of all features of a dictionary in one pass over a corpus.
//
// A feature's state does not grow with the corpus: its strongest examples, one example drawn at
// random for each interval of strength, a histogram, counts of the commonest tokens at its peaks
// (the peak of a feature in a sequence is where it fires most), and of the features that fired at
// its first few peaks. Counts of common tokens are kept by the "space-saving" rule (Metwally,
// Agrawal and El Abbadi 2005).
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "activations/firings.h"
#include "activations/token_batches.h"
#include "atlas/feature_page.h"
#include "io/byte_stream.h"
#include "tensor/sparse_rows.h"

namespace cajal {

struct AtlasOptions {
  std::size_t top = 6;       // strongest examples of a feature
  std::size_t window = 12;   // tokens on either side whose activations an example keeps
  std::size_t together = 6;  // features that fire with it
  std::uint64_t seed = 0;    // chooses examples of intervals
};

/// The commonest of many things, with few counters. A thing that needs a counter takes the smallest
/// one over; what that had counted of others is left out of the counts that are given, so they are
/// never too large, and lack at most what was seen of the thing before it was taken up.
template <typename Key, std::size_t Slots>
class Commonest {
 public:
  void add(const Key& key) {
    ++total_;
    std::size_t least = 0;
    for (std::size_t i = 0; i < used_; ++i) {
      if (keys_[i] == key) {
        ++counts_[i];
        return;
      }
      least = counts_[i] < counts_[least] ? i : least;
    }
    const std::size_t slot = used_ < Slots ? used_++ : least;
    keys_[slot] = key;
    others_[slot] = counts_[slot];
    ++counts_[slot];
  }
  std::uint32_t total() const noexcept { return total_; }
  /// Commonest first.
  std::vector<std::pair<Key, std::uint32_t>> ordered() const;

  /// For a checkpoint, which keeps the order of the counters: which of equal ones is taken over
  /// depends on it. `key` writes or reads a key.
  template <typename WriteKey>
  void save(ByteWriter& out, const WriteKey& key) const;
  template <typename ReadKey>
  void restore(ByteReader& in, const ReadKey& key);

 private:
  std::array<Key, Slots> keys_{};
  std::array<std::uint32_t, Slots> counts_{};
  std::array<std::uint32_t, Slots> others_{};  // of these, things that had the counter before
  std::size_t used_ = 0;
  std::uint32_t total_ = 0;
};

/// Tokens of a sequence that examples show.
struct AtlasSequence {
  std::uint64_t document = 0;
  std::vector<TokenId> tokens;
};

/// What stands before and at a feature's peaks.
struct PeakTokens {
  std::vector<std::pair<TokenId, std::uint32_t>> at;  // commonest first, with counts
  std::vector<std::pair<std::pair<TokenId, TokenId>, std::uint32_t>> before;  // the two before
  std::uint32_t peaks = 0;
};

class AtlasBuilder {
 public:
  /// `features`: of each site.
  explicit AtlasBuilder(std::span<const std::size_t> features, AtlasOptions options = {});

  /// `codes`, by site, of `rows` of the batch (ascending): features that fired.
  void add(const TokenBatch& batch, std::span<const std::size_t> rows,
           std::span<const SparseRows> codes);

  std::size_t features() const noexcept { return states_.size(); }
  std::uint64_t tokens() const noexcept { return tokens_; }
  FeatureId id(std::size_t number) const;
  /// Of the first feature of a site.
  std::size_t number(std::size_t site) const { return first_[site]; }
  /// Without logits, cosines and label.
  FeaturePage page(std::size_t number) const;
  PeakTokens peak_tokens(std::size_t number) const;
  /// By the number that examples have; those that some example shows.
  const std::map<std::uint64_t, AtlasSequence>& sequences() const noexcept { return sequences_; }
  /// Forgets sequences that no example shows any more. add() does so from time to time.
  void drop_unused();

  /// All that was gathered, for a checkpoint. What comes after restore() is as if there had been no
  /// break; options must be those of the builder that saved. Throws CorruptData if the bytes are of
  /// other features.
  void save(ByteWriter& out) const;
  void restore(ByteReader& in);

 private:
  /// A feature that fires at peaks of another.
  struct Companion {
    std::uint32_t feature = 0;
    std::uint32_t peaks = 0;
  };
  struct State {
    std::uint64_t fires = 0;
    float largest = 0.0F;
    float first = 0.0F;
    std::array<std::uint32_t, kHistogramBins> histogram{};
    std::vector<FeatureExample> top;
    std::array<FeatureExample, kHistogramBins> intervals{};
    std::array<std::uint32_t, kHistogramBins> peaks{};  // by interval, for drawing one of them
    Commonest<TokenId, 8> at;
    Commonest<std::pair<TokenId, TokenId>, 8> before;
    std::vector<Companion> together;  // ascending
  };

  static void save(const State& state, ByteWriter& out);
  void restore(ByteReader& in, State& state) const;
  void add_feature(std::span<const Firing> own, std::uint64_t sequence,
                   std::span<const TokenId> tokens);
  FeatureExample example(std::span<const Firing> own, const Firing& peak,
                         std::uint64_t sequence) const;
  /// Those that fire at its peaks more often than they do anyway, most so first.
  std::vector<FeatureNeighbour> together(const State& state) const;
  void count_together(std::span<const Firing> firings);
  static void count_companions(std::span<const std::uint32_t> firing, std::uint32_t self,
                               State& state);

  AtlasOptions options_;
  std::vector<std::size_t> first_;  // [sites + 1]
  std::vector<State> states_;
  std::map<std::uint64_t, AtlasSequence> sequences_;
  std::uint64_t tokens_ = 0;
  std::uint64_t next_sequence_ = 0;
  std::size_t kept_ = 0;  // sequences after the last drop_unused()
};

template <typename Key, std::size_t Slots>
template <typename WriteKey>
void Commonest<Key, Slots>::save(ByteWriter& out, const WriteKey& key) const {
  out.number(total_);
  out.number(used_);
  for (std::size_t i = 0; i < used_; ++i) {
    key(keys_[i]);
    out.number(counts_[i]);
    out.number(others_[i]);
  }
}

template <typename Key, std::size_t Slots>
template <typename ReadKey>
void Commonest<Key, Slots>::restore(ByteReader& in, const ReadKey& key) {
  total_ = in.small();
  used_ = in.count();
  in.require(used_ <= Slots);
  for (std::size_t i = 0; i < used_; ++i) {
    keys_[i] = key();
    counts_[i] = in.small();
    others_[i] = in.small();
  }
}

template <typename Key, std::size_t Slots>
std::vector<std::pair<Key, std::uint32_t>> Commonest<Key, Slots>::ordered() const {
  std::vector<std::pair<Key, std::uint32_t>> out;
  out.reserve(used_);
  for (std::size_t i = 0; i < used_; ++i) {
    out.emplace_back(keys_[i], counts_[i] - others_[i]);
  }
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) {
    return a.second != b.second ? a.second > b.second : a.first < b.first;
  });
  return out;
}

}  // namespace cajal
