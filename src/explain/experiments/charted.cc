#include "explain/experiments/charted.h"

#include "base/utf8.h"

namespace cajal {
namespace {

ChartAnswer answer_of(const Subject& subject, const ChartedToken& charted, TokenId token) {
  ChartAnswer out{.prompt = subject.tokenizer->decode(charted.ids, SkipSpecial::Yes),
                  .tokens = {},
                  .text = token_text(subject, token),
                  .probability = charted.target.node.weight};
  for (const TokenId id : charted.ids) {
    out.tokens.push_back(token_text(subject, id));
  }
  return out;
}

}  // namespace

ChartedToken chart_token(const Subject& subject, std::vector<TokenId> ids, TokenId token,
                         const std::stop_token& cancel) {
  ChartedToken out;
  out.ids = std::move(ids);
  out.replacement = std::make_unique<LocalReplacement>(
      subject.backend, subject.model, subject.dictionary, out.ids,
      ReplacementOptions{.precision = subject.precision});
  out.target = token_targets(*out.replacement, std::span(&token, 1), out.ids.size() - 1).front();
  out.graph =
      trace(subject.backend, *out.replacement, std::span(&out.target, 1), rows_as_needed(cancel));
  out.flow = std::make_unique<GraphFlow>(out.graph);
  out.parts =
      build_chart(out.graph, *out.flow, subject.dictionary.get(), answer_of(subject, out, token));
  return out;
}

void try_claims(const Subject& subject, ChartedToken& charted, std::size_t controls,
                std::uint64_t seed, const std::stop_token& cancel) {
  const ClaimGround ground = claim_ground(subject.backend, *charted.replacement, charted.graph,
                                          *charted.flow, charted.target.row);
  try_claims(ground, charted.parts.nodes,
             {.controls = controls,
              .seed = seed,
              .text = [&](TokenId id) { return token_text(subject, id); },
              .cancel = cancel},
             charted.parts.chart);
}

std::string token_text(const Subject& subject, TokenId id) {
  std::string bytes = subject.tokenizer->bytes_of(id);
  return !bytes.empty() && is_valid_utf8(bytes) ? bytes : std::string(subject.tokenizer->piece(id));
}

}  // namespace cajal
