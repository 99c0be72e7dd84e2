// Reading for an atlas of the specimen's transcoders, beside the model's forward pass and encoding
// of the same tokens with nothing kept.
#include <algorithm>
#include <filesystem>
#include <vector>

#include "dictionary/read_features.h"
#include "figure.h"
#include "service/atlas.h"
#include "service/atlas_building.h"
#include "service/open_dictionary.h"
#include "service/specimen.h"
#include "store/atlas_store.h"
#include "timing.h"

namespace cajal::bench {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kCorpusTokens = 100'000;

class AtlasBench {
 public:
  explicit AtlasBench(const Options& options)
      : options_(options), session_(open_session({})), file_(fs::temp_directory_path()) {
    request_.dictionary = find_specimen_dictionary().string();
    request_.world = "";
    request_.tokens = kCorpusTokens;
    request_.checkpoint_every = 1'000'000;  // none
    request_.over = true;
    request_.trust = true;
    file_ /= "cajal-bench-atlas.sqlite";
    dictionary_ = open_dictionary(request_.dictionary).dictionary;
    collect();
  }

  std::vector<Figure> run() {
    double plain = 1e30;
    double reading = 0.0;
    double whole = 1e30;
    for (int i = 0; i < options_.rounds; ++i) {  // in turn
      plain = std::min(plain, seconds_of([&] { encode_all(); }));
      AtlasResult result;
      whole = std::min(whole, seconds_of([&] { result = build_atlas(session_, request_, file_); }));
      reading = std::max(reading, result.tokens_per_s);
    }
    const auto tokens = static_cast<double>(rows_);
    const bool right = counts_are_right();
    fs::remove(file_);
    return {{"atlas/reading_tokens_per_s", reading, "tokens/s", tokens / plain,
             "forward and encoding of the same tokens, nothing kept", right},
            {"atlas/whole_s", whole, "s", 0.0, "", right}};
  }

 private:
  /// What an atlas reads.
  void collect() {
    const AtlasText text = text_of(request_);
    TokenBatches batches(
        *session_.tokenizer, text.documents,
        batch_options(session_.model->config(), session_.special.bos, kCorpusTokens));
    while (auto batch = batches.next()) {
      batches_.push_back(std::move(*batch));
    }
  }

  /// Firings of each feature of each layer, which cost nothing beside what is timed.
  void encode_all() {
    fires_.assign(dictionary_->layers().size(), {});
    rows_ = 0;
    for (const TokenBatch& batch : batches_) {
      const std::vector<std::size_t> rows =
          rows_except(batch.tokens, std::span(&*session_.special.bos, 1));
      const auto codes = read_features(*session_.backend, *session_.model, *dictionary_,
                                       batch.batch(), rows, session_.precision);
      rows_ += rows.size();
      for (std::size_t site = 0; site < codes.size(); ++site) {
        fires_[site].resize(dictionary_->layers()[site].features());
        for (const std::uint32_t feature : codes[site].columns) {
          ++fires_[site][feature];
        }
      }
    }
  }

  bool counts_are_right() {
    const AtlasStore store(file_);
    bool right = store.tokens() == rows_;
    for (std::size_t site = 0; site < fires_.size(); ++site) {
      for (std::size_t f = 0; f < fires_[site].size(); f += 7) {
        const auto page = store.page({static_cast<std::uint32_t>(site),  //
                                      static_cast<std::uint32_t>(f)});
        right = right && page && page->fires == fires_[site][f];
      }
    }
    return right;
  }

  const Options& options_;
  Session session_;
  fs::path file_;
  AtlasRequest request_;
  std::shared_ptr<const Dictionary> dictionary_;
  std::vector<TokenBatch> batches_;
  std::vector<std::vector<std::uint64_t>> fires_;  // by layer and feature
  std::size_t rows_ = 0;
};

}  // namespace

std::vector<Figure> atlas_figures(const Options& options) {
  if (!fits("atlas", options)) {
    return {};
  }
  return AtlasBench(options).run();
}

}  // namespace cajal::bench
