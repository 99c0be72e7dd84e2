#include "model/nll.h"

#include <algorithm>
#include <numeric>

#include "base/cancel.h"
#include "base/error.h"
#include "model/sampling.h"

namespace cajal {

std::vector<double> token_nll(Backend& backend, const Model& model, std::span<const TokenId> tokens,
                              Precision precision, const std::stop_token& cancel) {
  constexpr std::size_t kChunk = 512;  // rows of logits in memory at a time
  check(tokens.size() >= 2, "a text of {} tokens predicts nothing; give at least 2", tokens.size());
  check(tokens.size() <= model.config().context,
        "the text has {} tokens, but the context of this model is {}; shorten it", tokens.size(),
        model.config().context);
  KvCache cache(model.config(), backend, 1);
  std::vector<double> out;
  out.reserve(tokens.size() - 1);
  for (std::size_t begin = 0; begin + 1 < tokens.size(); begin += kChunk) {
    const std::size_t count = std::min(kChunk, tokens.size() - 1 - begin);
    check_cancelled(cancel);
    const std::int32_t starts[] = {0, static_cast<std::int32_t>(count)};
    const Matrix logits = model.forward(
        backend, {tokens.subspan(begin, count), starts}, cache,
        {.precision = precision, .logits = LogitRows::All, .final_length = tokens.size() - 1});
    for (std::size_t r = 0; r < count; ++r) {
      const auto next = static_cast<std::size_t>(tokens[begin + r + 1]);
      check(next < model.config().vocab, "token id {} is outside the vocabulary of {}", next,
            model.config().vocab);
      out.push_back(-log_softmax(logits.ref().row_range(r, 1))[next]);
    }
  }
  return out;
}

double mean(std::span<const double> values) {
  return values.empty() ? 0.0
                        : std::accumulate(values.begin(), values.end(), 0.0) /
                              static_cast<double>(values.size());
}

}  // namespace cajal
