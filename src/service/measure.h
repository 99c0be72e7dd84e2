// How good a dictionary is: what it gives back, what replacing the model's own values costs, and,
// on the world, what knowledge is left and which features stand for which truth.
#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "measure/measure_dictionary.h"
#include "measure/world_replaced.h"
#include "measure/world_truths.h"
#include "service/open_dictionary.h"
#include "service/options.h"
#include "service/session.h"

namespace cajal {

/// A corpus, the world, or both.
struct MeasureRequest : ModelOptions {
  std::string dictionary;
  std::vector<std::string> corpus;   // files of text or .jsonl
  std::optional<std::string> world;  // name of a task; empty: all of the default mix
  std::size_t tokens = 65536;
  std::size_t splice_tokens = 8192;
  std::size_t documents = 4000;  // of the world, for truths
  std::size_t questions = 200;   // of each kind
  bool probes = false;           // linear probes beside the features
  std::size_t seed = 0;
  std::string baseline;  // folder of learned baselines
  std::string svg;       // file for a picture
  bool trust = false;
};

const FieldTable<MeasureRequest>& measure_fields();

/// Throws InvalidArgument if there is nothing to measure on.
void check_measure(const MeasureRequest& request);

struct MeasureResult {
  std::optional<DictionaryResult> corpus;
  std::optional<ReplacedScores> scores;
  std::optional<TruthResult> truth;
  std::vector<ProbeCurve> probes;
  std::vector<std::size_t> model_layers;  // by layer of the dictionary
  Provenance provenance;
};

using MeasureProgress = std::function<void(std::string_view what)>;

/// Throws what opening model, dictionary and corpus throws, NotFound for an unknown task, and
/// Cancelled.
MeasureResult measure(Session& session, const MeasureRequest& request,
                      const std::stop_token& cancel = {},
                      const MeasureProgress& progress = nullptr);

/// {"tokens", "splice_tokens", "layers": [{"layer", "input", "output", "features", "metrics",
/// "splice": {"all", "non_bos_input"}}], "total": {"metrics", "splice"}, "baselines": [...],
/// "world": {"tasks", "labels", ...}}; what was not asked for is null, and so is a figure that was
/// not measured.
Json to_json(const MeasureResult& result);

/// FVU of each layer beside the baselines, and what replacing it costs.
std::string to_svg(const MeasureResult& result, std::string_view title);

}  // namespace cajal
