// A dictionary measured on a corpus: how well each layer gives back what it should, what replacing
// the model's own values costs, and the same of baselines that learn nothing.
//
// Two passes, each with one batch in memory. The first gathers figures of reconstruction, means and
// covariances. The second, over fewer tokens, runs the model with its points replaced: by the
// dictionary, by ablations, and by the baselines with as many coordinates a token as the dictionary
// has features firing on average. <bos> is left out of all figures of reconstruction.
#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "activations/token_batches.h"
#include "dictionary/dictionary.h"
#include "measure/metric.h"
#include "measure/world_score.h"

namespace cajal {

struct MeasureOptions {
  std::optional<TokenId> bos;
  std::size_t tokens = 65536;        // for figures of reconstruction
  std::size_t splice_tokens = 8192;  // of those, for what predictions become
  bool baselines = true;
  std::stop_token cancel;
  std::function<void(std::string_view what, std::size_t tokens)> progress;
};

/// Both averages of the figures of measure/splice_figures.h.
struct SpliceResult {
  std::vector<Metric> all;
  std::vector<Metric> non_bos;
};

struct LayerResult {
  std::size_t layer = 0;
  std::string input_point;
  std::string output_point;
  std::size_t features = 0;
  std::vector<Metric> metrics;  // of measure/dictionary_metrics.h
  SpliceResult splice;          // with this layer alone replaced
};

struct BaselineResult {
  std::string name;                    // "pca", "neurons", ...
  std::string how;                     // one line
  std::vector<std::size_t> k;          // by layer: coordinates a token
  std::vector<LayerResult> layers;     // splice is empty
  std::vector<Metric> total;           // over all layers
  SpliceResult splice;                 // with all layers replaced
  std::optional<std::string> why_not;  // present: not measured, and this is why
};

struct DictionaryResult {
  std::size_t tokens = 0;         // rows that figures of reconstruction are over
  std::size_t splice_tokens = 0;  // predictions that the others are over
  std::vector<LayerResult> layers;
  std::vector<Metric> total;  // rows of all layers together, each around its own mean
  SpliceResult splice;        // with all layers replaced
  std::vector<BaselineResult> baselines;
};

/// Throws InvalidArgument for a corpus without tokens or a dictionary that does not fit the model
/// (sites_of), Cancelled, and what forward and encode throw.
DictionaryResult measure_dictionary(const Asked& asked, const Dictionary& dictionary,
                                    const DocumentSource& corpus,
                                    const MeasureOptions& options = {});

/// The value of that name; nullopt if it is not there or was not measured.
std::optional<double> value_of(const std::vector<Metric>& metrics, std::string_view name);

}  // namespace cajal
