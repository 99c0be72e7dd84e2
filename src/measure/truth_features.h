// Which feature stands for which truth: for every label (kind=value) of the spans of a corpus the
// feature that fires on its spans and on little else.
//
// A span is hit if the feature fires on any of its tokens above a threshold; a false alarm is a
// maximal run of tokens outside such spans on which it fires, if it exceeds the threshold there.
// Feature and threshold are chosen by F1 on one half of the documents; the other half gives
// precision, recall, F1, and AUROC (of spans against tokens outside them).
//
// One pass. Activations are counted in bins of a third of an octave around a feature's first one;
// a label keeps the features that did best so far, so memory does not grow with the corpus.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "activations/firings.h"
#include "activations/token_batches.h"
#include "io/byte_stream.h"
#include "tensor/sparse_rows.h"

namespace cajal {

struct TruthOptions {
  std::size_t min_spans = 8;  // of each half; labels with fewer are left out
  std::size_t most = 128;     // features that a label keeps at a time
};

struct TruthLabel {
  std::string kind;
  std::string value;
  std::size_t spans = 0;  // in the half that the figures are of
  std::size_t site = 0;   // of the best feature: place in the dictionary's layers
  std::uint32_t feature = 0;
  double threshold = 0.0;  // activations from here count
  double f1_chosen = 0.0;  // on the half it was chosen by
  double precision = 0.0;
  double recall = 0.0;
  double f1 = 0.0;
  double auroc = 0.5;
};

class TruthFeatures {
 public:
  /// `features`: of each site.
  explicit TruthFeatures(std::span<const std::size_t> features, TruthOptions options = {});

  /// `codes`, by site, of `rows` of the batch (ascending): features that fired.
  void add(const TokenBatch& batch, std::span<const std::size_t> rows,
           std::span<const SparseRows> codes);

  /// By kind, then value. A label that no feature hits has F1 0.
  std::vector<TruthLabel> labels() const;
  /// Every feature and every label that it stands for with this F1 or more on the second half. By
  /// site, feature, kind, value.
  std::vector<TruthLabel> pairs(double least_f1) const;
  /// The other way: for every feature the label that it stands for best on the first half, if its
  /// F1 on the other is at least this. By site, then feature.
  std::vector<TruthLabel> of_features(double least_f1) const;
  /// Labels with too few spans.
  std::size_t rare() const;

  /// All that was counted, for a checkpoint. What comes after restore() is as if there had been no
  /// break; options must be those of the object that saved. Throws CorruptData if the bytes are of
  /// other features.
  void save(ByteWriter& out) const;
  void restore(ByteReader& in);

 private:
  static constexpr std::size_t kBins = 24;
  using Bins = std::array<std::int32_t, kBins>;
  /// Of a feature, whatever it may stand for; by half.
  struct Feature {
    float base = 0.0F;             // first activation; 0: none yet
    std::array<Bins, 2> runs{};    // maximal firing runs, by their largest activation
    std::array<Bins, 2> tokens{};  // tokens that fire it
  };
  /// Of a feature and a label.
  struct Pair {
    std::array<Bins, 2> hits{};  // spans, by the largest activation there
    // Runs outside the label's spans less all runs, of sequences where the feature hit one: add
    // `runs` to get false alarms.
    std::array<Bins, 2> beside{};
    Bins inside{};  // tokens of spans that fire it, of the second half
  };
  struct Label {
    std::array<std::size_t, 2> spans{};
    std::array<std::size_t, 2> tokens{};  // in spans
    std::unordered_map<std::uint32_t, Pair> pairs;
  };
  struct Score {
    double precision = 0.0;
    double recall = 0.0;
    double f1 = 0.0;
  };
  /// A firing by the bin of its activation.
  struct BinnedFiring {
    std::uint32_t feature = 0;
    std::uint32_t token = 0;  // in the sequence
    std::uint32_t bin = 0;
  };
  using Range = std::pair<std::size_t, std::size_t>;  // tokens of the sequence, [first, second)

  static void save(const Feature& feature, ByteWriter& out);
  static void save(const Label& label, ByteWriter& out);
  static void restore(ByteReader& in, Feature& feature);
  void restore(ByteReader& in, Label& label) const;
  std::uint32_t bin_of(std::uint32_t feature, float value);
  std::vector<BinnedFiring> binned(std::span<const Firing> firings);
  void add_label(Label& label, const std::vector<Range>& spans, std::size_t half,
                 std::span<const std::span<const BinnedFiring>> by_feature);
  void shrink(Label& label) const;
  static Score score(const Label& label, double hits, double alarms, std::size_t half);
  static Score score(const Label& label, const Pair& pair, const Feature& feature, std::size_t half,
                     std::size_t bin);
  /// The lowest threshold that is best on a half, and the F1 it has there.
  static std::pair<std::size_t, double> best_bin(const Label& label, const Pair& pair,
                                                 const Feature& feature, std::size_t half);
  double auroc(const Label& label, const Pair& pair, const Feature& feature) const;
  using Name = std::pair<std::string, std::string>;
  TruthLabel figures(const Name& name, const Label& label, std::uint32_t feature, const Pair& pair,
                     std::pair<std::size_t, double> best) const;
  TruthLabel result(const Name& name, const Label& label) const;
  bool is_common(const Label& label) const;

  TruthOptions options_;
  std::vector<std::size_t> first_;  // [sites + 1] number of each site's first feature
  std::vector<Feature> features_;
  std::array<std::size_t, 2> tokens_{};  // that a feature could fire on
  std::map<std::pair<std::string, std::string>, Label> labels_;
};

}  // namespace cajal
