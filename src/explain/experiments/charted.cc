#include "explain/experiments/charted.h"

#include <limits>

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

ChartedToken replaced(const Subject& subject, std::vector<TokenId> ids) {
  ChartedToken out;
  out.ids = std::move(ids);
  out.replacement = std::make_unique<LocalReplacement>(
      subject.backend, subject.model, subject.dictionary, out.ids,
      ReplacementOptions{.precision = subject.precision});
  return out;
}

/// The rest of a chart whose target is known; of each idea so many members are listed.
void finish(const Subject& subject, TokenId token, std::size_t members,
            const std::stop_token& cancel, ChartedToken& out) {
  out.graph =
      trace(subject.backend, *out.replacement, std::span(&out.target, 1), rows_as_needed(cancel));
  out.flow = std::make_unique<GraphFlow>(out.graph);
  out.parts = build_chart(out.graph, *out.flow, subject.dictionary.get(),
                          answer_of(subject, out, token), {}, {.members = members});
}

}  // namespace

ChartedToken chart_token(const Subject& subject, std::vector<TokenId> ids, TokenId token,
                         const std::stop_token& cancel) {
  ChartedToken out = replaced(subject, std::move(ids));
  out.target = token_targets(*out.replacement, std::span(&token, 1), out.ids.size() - 1).front();
  finish(subject, token, ChartOptions().members, cancel, out);
  return out;
}

ChartedToken chart_difference(const Subject& subject, std::vector<TokenId> ids, TokenId token,
                              TokenId other, const std::stop_token& cancel) {
  ChartedToken out = replaced(subject, std::move(ids));
  out.target = why_not(*out.replacement, token, other, out.ids.size() - 1);
  finish(subject, token, std::numeric_limits<std::size_t>::max(), cancel, out);
  return out;
}

ClaimGround ground_of(const Subject& subject, const ChartedToken& charted) {
  return claim_ground(subject.backend, *charted.replacement, charted.graph, *charted.flow,
                      charted.target.row);
}

void try_claims(const Subject& subject, ChartedToken& charted, std::size_t controls,
                std::uint64_t seed, const std::stop_token& cancel) {
  try_claims(ground_of(subject, charted), charted.parts.nodes,
             {.controls = controls,
              .seed = seed,
              .text = [&](TokenId id) { return token_text(subject, id); },
              .cancel = cancel},
             charted.parts.chart);
}

std::string token_text(const Subject& subject, TokenId id) {
  const std::string bytes = subject.tokenizer->bytes_of(id);
  return !bytes.empty() && is_valid_utf8(bytes) ? bytes : std::string(subject.tokenizer->piece(id));
}

}  // namespace cajal
