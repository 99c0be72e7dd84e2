// Reading a corpus for an atlas, and turning what was gathered into its pages. Private to this
// folder; atlas.h is its door.
#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <vector>

#include "base/seconds.h"
#include "dictionary/dictionary.h"
#include "service/atlas.h"
#include "service/atlas_checkpoint.h"
#include "service/corpus.h"

namespace cajal {

/// What an atlas reads.
struct AtlasText {
  DocumentSource documents;
  /// Whether any document says what is true of it. Those without spans then count, too: what fires
  /// on them is a false alarm.
  bool has_truth = false;
  /// 0 to 1: how much of it was read when document number `next` is the next one.
  std::function<double(std::uint64_t next)> share;
};

/// Throws as open_corpus, and NotFound for an unknown task of the world.
AtlasText text_of(const AtlasRequest& request);

class AtlasBuilding {
 public:
  /// All must outlive it.
  AtlasBuilding(Session& session, const AtlasRequest& request, const Dictionary& dictionary,
                AtlasCheckpoint& checkpoint, const AtlasProgress& progress);

  /// From the checkpoint on, if there is one. Throws Cancelled, after a checkpoint.
  void read(const AtlasText& text, const std::stop_token& cancel);
  std::vector<FeaturePage> pages(const std::stop_token& cancel);
  AtlasContents contents(const std::vector<FeaturePage>& pages) const;

  std::uint64_t tokens() const { return state_.builder.tokens(); }
  /// Of this run alone, while reading.
  double tokens_per_s() const;

 private:
  void read(TokenBatch& batch);
  void save_if_due();
  [[noreturn]] void interrupted();
  void show(double share) const;
  std::vector<FeaturePage> pages_of_layer(std::size_t site);
  void name_by_truth(std::vector<FeaturePage>& pages) const;

  Session& session_;
  const AtlasRequest& request_;
  const Dictionary& dictionary_;
  AtlasCheckpoint& checkpoint_;
  const AtlasProgress& progress_;
  AtlasState state_;
  bool has_truth_ = false;
  Clock::time_point start_;
  Clock::time_point saved_;
  std::uint64_t tokens_before_ = 0;  // of earlier runs
  double share_before_ = 0.0;
  double seconds_ = 0.0;  // of reading
};

}  // namespace cajal
