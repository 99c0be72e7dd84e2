// Text from a model: one prompt or a batch of them.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "model/model.h"
#include "model/sampling.h"
#include "text/tokenizer.h"

namespace cajal {

enum class Finish : std::uint8_t {
  Length,      // max_tokens were written
  StopToken,   // one of stop_ids came; it is the last id
  StopString,  // the text ends before the string
  Cancelled,
};
/// "length", "stop", "stop_string", "cancelled".
std::string_view name_of(Finish finish) noexcept;

struct GenerateOptions {
  std::size_t max_tokens = 128;
  SamplingOptions sampling;
  std::vector<TokenId> stop_ids;
  std::vector<std::string> stop_strings;  // need a tokenizer
  std::size_t logprobs = 0;               // how many alternatives to report for each token
  bool keep_logprobs = false;             // report each token's own chance even with logprobs 0
  Precision precision = Precision::F32;
  const PointSet* points = nullptr;
  std::stop_token cancel;
};

struct GeneratedToken {
  TokenId id = 0;
  double logprob = 0.0;
  std::vector<TokenChance> best;  // the `logprobs` most likely
};

struct Generation {
  std::vector<TokenId> ids;  // new ones only
  std::string text;          // decoded, cut before a stop string; empty without a tokenizer
  Finish finish = Finish::Length;
  std::vector<GeneratedToken> tokens;  // with logprobs > 0 or keep_logprobs
};

/// Called with text as soon as nothing can take it back (a stop string that has begun is held).
using TextSink = std::function<void(std::size_t sequence, std::string_view text)>;

/// Continues each prompt of ids until its own end. Appends to `cache` if given (it must have one
/// sequence per prompt; prompts then hold only new tokens); the last generated token is not fed
/// back. `tokenizer` may be nullptr: then there is no text. Throws InvalidArgument if a prompt is
/// empty, or if a prompt and max_tokens exceed the context, naming the limit.
std::vector<Generation> generate(Backend& backend, const Model& model,
                                 std::shared_ptr<const Tokenizer> tokenizer,
                                 std::span<const std::vector<TokenId>> prompts,
                                 const GenerateOptions& options, const TextSink& sink = nullptr,
                                 KvCache* cache = nullptr);

}  // namespace cajal
