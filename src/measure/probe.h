// Linear probes: can a hidden thing be read off a vector by a linear map?
//
// A probe is the ridge regression of one-hot labels on the vectors, whose largest output names the
// label. It is fitted on some surface forms of a question and tested on others, so that it cannot
// live on the wording.
#pragma once

#include <cstddef>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "measure/world_score.h"
#include "tensor/matrix.h"

namespace cajal {

/// Vectors with a label each, [examples, width] of F64.
struct ProbeData {
  Matrix vectors;
  std::vector<std::string> labels;
};

/// The share of `test` that a probe fitted on `train` names rightly. Deterministic. 0 without
/// examples on either side.
double probe_accuracy(const ProbeData& train, const ProbeData& test);

struct ProbeResult {
  std::string task;
  std::string question;  // kind of question
  std::string hidden;    // kind of span
  std::string place;     // "end", "last": of the span, or the prompt's last token
  std::string point;     // "embeddings", "resid_post.3"
  std::size_t train = 0;
  std::size_t test = 0;
  double accuracy = 0.0;
  std::optional<double> at_least;  // aims of the task, which hold for the best point ...
  std::optional<double> at_most;   // ... and for the embeddings
};

/// Probes for what the task's questions hide, at the token in which the span ends and at the
/// prompt's last token, at `embeddings` and every resid_post. Fitted on even forms, tested on odd
/// ones. At most `most` questions of each kind and split. Throws Cancelled.
std::vector<ProbeResult> probe_task(const Asked& asked, const Task& task, std::size_t most,
                                    const std::stop_token& cancel = {});

}  // namespace cajal
