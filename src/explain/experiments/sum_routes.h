// Sums at a model's hands, and the two routes to them: how large the sum is, and its last digit.
//
// The routes are found in one graph with two targets, by the model's own numbers:
//
//   size: logit of the answer - mean logit of the numbers 10 and 20 away (another size, the same
//         last digit): why not 85 or 105?
//   last digit: logit of the answer - mean logit of the numbers 1 to 4 away: why not 94 or 96?
//
// A feature at "=" has an effect on each (total, linear: GraphFlow::node_effects), which is taken
// as a share of all such effects at "=". It is on a route if its share there is positive and larger
// than the size of its share on the other, and what is left of it then ranks it.
#pragma once

#include <optional>

#include "corpus/world/task.h"
#include "explain/experiments/prompt_graph.h"

namespace cajal {

inline constexpr int kLeastSum = 10;  // answers of two digits
inline constexpr int kMostSum = 99;
inline constexpr int kFarthestStep = 20;  // numbers that answers are compared with

/// [0 .. kMostSum + kFarthestStep] the token of each number. Throws InvalidArgument if one is not
/// one token, or two are the same.
std::vector<TokenId> number_tokens(const Tokenizer& tokenizer);

struct SumCase {
  std::string text;  // "Sum: 36+59="
  int a = 0;
  int b = 0;
  RoledPrompt prompt = {};                // the only role is "="
  std::vector<RoledFeature> active = {};  // at "="
  std::vector<RoledFeature> size = {};    // best first
  std::vector<RoledFeature> digit = {};
  int sum() const { return a + b; }
  bool carries() const { return a % 10 + b % 10 >= 10; }
};

/// The sum that a question asks for, without features; nullopt if it asks for something else or the
/// sum is not of two digits.
std::optional<SumCase> sum_of(const Subject& subject, const Question& question);

/// Fills active, size and digit.
void find_routes(const Subject& subject, std::span<const TokenId> numbers, SumCase& sum,
                 const std::stop_token& cancel);

}  // namespace cajal
