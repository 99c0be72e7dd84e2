// From logits to the next token.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "tensor/matrix.h"
#include "text/token.h"

namespace cajal {

/// Applied in this order: repetition penalty, temperature, top-k, top-p, min-p.
struct SamplingOptions {
  double temperature = 0.0;  // 0: the most likely token, and nothing below matters but the penalty
  std::size_t top_k = 0;     // keep the k most likely; 0: all
  double top_p = 1.0;        // keep the fewest that hold this much probability
  double min_p = 0.0;        // keep those at least this fraction as likely as the best
  double repeat_penalty = 1.0;  // logits of tokens already there: divided if positive, else times
  std::uint64_t seed = 0;
};

/// Throws InvalidArgument naming the option that is out of range.
void validate(const SamplingOptions& options);

struct TokenChance {
  TokenId id = 0;
  double logprob = 0.0;  // natural logarithm, under the model itself (no sampling options)
};

/// The next token. `logits` has one row; `history` are the tokens so far; draw number `counter` of
/// stream `sequence` decides, so the same seed gives the same text. Ties go to the smaller id.
TokenId sample_token(ConstMatRef logits, std::span<const TokenId> history,
                     const SamplingOptions& options, std::uint64_t sequence, std::uint64_t counter);

/// Natural log-probabilities of one row of logits, sums in double.
std::vector<double> log_softmax(ConstMatRef logits);

/// The probability of each token, of one row of logits, sums in double.
std::vector<double> token_probabilities(ConstMatRef logits);

/// The k best, best first; ties by id.
std::vector<TokenChance> best_tokens(std::span<const double> logprobs, std::size_t k);

}  // namespace cajal
