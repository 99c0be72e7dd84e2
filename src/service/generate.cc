#include "service/generate.h"

#include <algorithm>

#include "service/input.h"

namespace cajal {
namespace {

constexpr std::size_t kDefaultTokens = 128;

Json logprob_json(const TokenChance& chance, const Session& session) {
  return Json::object({{"id", chance.id},
                       {"piece", piece_text(session.tokenizer.get(), chance.id)},
                       {"logprob", chance.logprob}});
}

Json token_json(const GeneratedToken& token, const Session& session) {
  Json out = logprob_json({.id = token.id, .logprob = token.logprob}, session);
  Json best(Json::Array{});
  for (const TokenChance& chance : token.best) {
    best.push_back(logprob_json(chance, session));
  }
  return out.set("best", std::move(best));
}

}  // namespace

const FieldTable<GenerateRequest>& generate_fields() {
  static const FieldTable<GenerateRequest> table = [] {
    auto out = input_fields<GenerateRequest>();
    append(out, model_fields<GenerateRequest>());
    append(out, sampling_fields<GenerateRequest>());
    return out;
  }();
  return table;
}

std::size_t room_for(const Session& session, std::size_t used, std::optional<std::size_t> asked) {
  const std::size_t context = session.context();
  check(used < context,
        "{}: the input has {} tokens and the model's context is {}, so nothing can follow; shorten "
        "it",
        session.model->name(), used, context);
  const std::size_t left = context - used;
  check(!asked || *asked <= left,
        "{}: {} tokens after an input of {} are more than the model's context of {}; ask for at "
        "most {}",
        session.model->name(), asked.value_or(0), used, context, left);
  return asked.value_or(std::min(kDefaultTokens, left));
}

GenerateResult generate(Session& session, const GenerateRequest& request, const TextPieces& sink,
                        std::stop_token cancel) {
  GenerateResult result;
  result.prompt_ids = input_ids(session, request);
  result.has_text = session.tokenizer != nullptr;
  result.has_logprobs = request.logprobs.has_value();
  GenerateOptions options = generate_options(request);
  options.max_tokens = room_for(session, result.prompt_ids.size(), request.max_tokens);
  options.stop_ids = session.special.stop;
  options.precision = session.precision;
  options.cancel = std::move(cancel);
  TextSink text_sink;
  if (sink) {
    text_sink = [&](std::size_t /*sequence*/, std::string_view text) { sink(text); };
  }
  result.generation = std::move(generate(*session.backend, *session.model, session.tokenizer,
                                         std::span(&result.prompt_ids, 1), options, text_sink)
                                    .front());
  return result;
}

Json logprobs_json(const Generation& generation, bool asked, const Session& session) {
  if (!asked) {
    return {};
  }
  Json out(Json::Array{});
  for (const GeneratedToken& token : generation.tokens) {
    out.push_back(token_json(token, session));
  }
  return out;
}

Json to_json(const GenerateResult& result, const Session& session) {
  const Generation& generation = result.generation;
  return Json::object({
      {"prompt_ids", Json::array_of(result.prompt_ids)},
      {"ids", Json::array_of(generation.ids)},
      {"text", result.has_text ? Json(generation.text) : Json()},
      {"finish", name_of(generation.finish)},
      {"logprobs", logprobs_json(generation, result.has_logprobs, session)},
  });
}

}  // namespace cajal
