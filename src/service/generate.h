// Continues a prompt.
#pragma once

#include <functional>
#include <stop_token>
#include <string_view>
#include <vector>

#include "model/generate.h"
#include "service/options.h"
#include "service/sampling_options.h"
#include "service/session.h"

namespace cajal {

struct GenerateRequest : ModelOptions, InputOptions, SamplingFields {};

const FieldTable<GenerateRequest>& generate_fields();

struct GenerateResult {
  std::vector<TokenId> prompt_ids;
  Generation generation;
  bool has_text = false;      // there is a tokenizer or a --vocab
  bool has_logprobs = false;  // they were asked for
};

/// Pieces of the text as soon as nothing can take them back.
using TextPieces = std::function<void(std::string_view)>;

/// Throws what input_ids and the model's generate throw; InvalidArgument naming the context if the
/// prompt fills it or max_tokens was given and does not fit.
GenerateResult generate(Session& session, const GenerateRequest& request,
                        const TextPieces& sink = nullptr, std::stop_token cancel = {});

/// How many tokens may follow `used`: `asked`, or 128, or what the context leaves. Throws as above.
std::size_t room_for(const Session& session, std::size_t used, std::optional<std::size_t> asked);

/// {"prompt_ids", "ids", "text", "finish", "logprobs"}; docs/json.md.
Json to_json(const GenerateResult& result, const Session& session);
/// [{"id", "piece", "logprob", "best": [...]}] or null.
Json logprobs_json(const Generation& generation, bool asked, const Session& session);

}  // namespace cajal
