// The fields of everything that writes text: how long, how to choose, when to stop.
#pragma once

#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "model/generate.h"
#include "service/fields.h"

namespace cajal {

struct SamplingFields {
  std::optional<std::size_t> max_tokens;  // absent: 128, or what is left of the context
  double temperature = 0.0;
  std::size_t top_k = 0;
  double top_p = 1.0;
  double min_p = 0.0;
  double repeat_penalty = 1.0;
  std::vector<std::string> stop;
  std::optional<std::size_t> logprobs;
  std::size_t seed = 0;
};

template <typename Options>
FieldTable<Options> sampling_fields() {
  return {
      {{.name = "max_tokens",
        .help = "write at most this many tokens (default: 128, or what is left of the context)",
        .letter = 'n',
        .min = 1},
       &Options::max_tokens},
      {{.name = "temperature",
        .help = "0: always the most likely token; 1: as the model says; more: wilder",
        .value = "T",
        .min = 0,
        .max = 1000},
       &Options::temperature},
      {{.name = "top_k", .help = "choose among the K most likely tokens (0: all)", .value = "K"},
       &Options::top_k},
      {{.name = "top_p",
        .help = "choose among the fewest tokens that together have this probability",
        .value = "P",
        .min = 0,
        .max = 1,
        .above_min = true},
       &Options::top_p},
      {{.name = "min_p",
        .help = "leave out tokens less likely than this fraction of the best",
        .value = "P",
        .min = 0,
        .max = 1},
       &Options::min_p},
      {{.name = "repeat_penalty",
        .help = "above 1: make tokens that were there already less likely",
        .value = "X",
        .min = 1e-3,
        .max = 1000},
       &Options::repeat_penalty},
      {{.name = "stop",
        .help = "end before this text (may be given several times)",
        .value = "TEXT"},
       &Options::stop},
      {{.name = "logprobs",
        .help = "report each token's log-probability and the K best alternatives",
        .value = "K",
        .max = 1000},
       &Options::logprobs},
      {{.name = "seed", .help = "the same seed gives the same text", .max = 9.2e18},
       &Options::seed},
  };
}

/// What the model's own generation takes, for a prompt that leaves room for `room` tokens. Throws
/// InvalidArgument naming the context if more were asked for.
inline GenerateOptions generate_options(const SamplingFields& fields) {
  GenerateOptions out;
  out.sampling = {.temperature = fields.temperature,
                  .top_k = fields.top_k,
                  .top_p = fields.top_p,
                  .min_p = fields.min_p,
                  .repeat_penalty = fields.repeat_penalty,
                  .seed = fields.seed};
  out.stop_strings = fields.stop;
  out.logprobs = fields.logprobs.value_or(0);
  out.keep_logprobs = fields.logprobs.has_value();
  return out;
}

}  // namespace cajal
