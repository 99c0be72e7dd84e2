#include "service/explainer.h"

#include <algorithm>
#include <numeric>

#include "base/cancel.h"
#include "base/error.h"
#include "model/generate.h"
#include "model/sampling.h"
#include "service/generate.h"
#include "service/rows_option.h"
#include "service/target_token.h"

namespace cajal {
namespace {

constexpr std::size_t kAlternatives = 5;  // likeliest answers that are named
constexpr std::size_t kHeads = 4;         // of each edge

/// Whether a token says something: a letter, a digit, or anything beyond ASCII.
bool has_content(const Session& session, TokenId id) {
  if (session.tokenizer == nullptr) {
    return true;
  }
  if (session.tokenizer->is_special(id)) {
    return false;
  }
  const std::string text = text_of_token(session, id);
  return std::any_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (static_cast<unsigned char>(c) & 0x80U) != 0;
  });
}

std::vector<ChartAlternative> alternatives(const Session& session, const std::vector<double>& p) {
  std::vector<std::size_t> order(p.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const std::size_t most = std::min(kAlternatives, p.size());
  std::partial_sort(
      order.begin(), order.begin() + static_cast<std::ptrdiff_t>(most), order.end(),
      [&](std::size_t a, std::size_t b) { return p[a] != p[b] ? p[a] > p[b] : a < b; });
  std::vector<ChartAlternative> out;
  out.reserve(most);
  for (std::size_t i = 0; i < most; ++i) {
    out.push_back({text_of_token(session, static_cast<TokenId>(order[i])), p[order[i]]});
  }
  return out;
}

}  // namespace

std::vector<TokenId> generated_answer(Session& session, const ExplainRequest& request,
                                      const std::vector<TokenId>& prompt,
                                      const std::stop_token& cancel) {
  GenerateOptions options;
  options.max_tokens = std::min(room_for(session, prompt.size(), std::nullopt), request.max_tokens);
  options.stop_ids = session.special.stop;
  options.precision = session.precision;
  options.cancel = cancel;
  const Generation out =
      generate(*session.backend, *session.model, nullptr, std::span(&prompt, 1), options).front();
  if (out.finish == Finish::Cancelled) {
    fail(ErrorCode::Cancelled, "interrupted");
  }
  return out.ids;
}

std::vector<AskedToken> what_is_asked(const Session& session, const ExplainRequest& request,
                                      const std::vector<TokenId>& answer,
                                      const AnswerWords& words) {
  if (request.target) {
    const TokenId token = token_of(session, *request.target);
    const auto at = std::find(answer.begin(), answer.end(), token);
    return {{at == answer.end() ? 0 : static_cast<std::size_t>(at - answer.begin()), token}};
  }
  std::vector<AskedToken> out;
  for (std::size_t i = 0; i < answer.size() && (request.answer || out.empty()); ++i) {
    if (has_content(session, answer[i])) {
      out.push_back({i, answer[i]});
    }
  }
  check(!out.empty(),
        "{} has no word or number in its first {} tokens: name what to explain with {} TOKEN",
        words.whose, answer.size(), words.flag);
  return out;
}

ExplainAtlas open_for_explain(Session& session, const ExplainRequest& request,
                              ExplainOutcome& outcome, const std::stop_token& cancel) {
  outcome.dictionary = open_dictionary_for(session, request.dictionary, load_options(request.k),
                                           request.trust, cancel, outcome.prompt_ids);
  ExplainAtlas out = open_explain_atlas(session, request.dictionary, request.atlas,
                                        provenance_of(session, outcome));
  outcome.atlas = out.file;
  outcome.calibration = out.calibration;
  outcome.notes = outcome.dictionary.notes;
  outcome.notes.insert(outcome.notes.end(), out.notes.begin(), out.notes.end());
  return out;
}

TracedAnswer Explainer::traced(std::vector<TokenId> ids, TokenId token,
                               std::optional<TokenId> other, std::size_t members) const {
  ExplainWatch watch;
  TracedAnswer out;
  out.ids = std::move(ids);
  out.token = token;
  out.replacement = std::make_unique<LocalReplacement>(
      *session_.backend, session_.model, outcome_.dictionary.dictionary, out.ids,
      ReplacementOptions{.precision = session_.precision});
  const TraceTarget target = target_of(*out.replacement, token, other);
  out.value = target.row;
  out.phases.emplace_back("model and features", watch.lap());
  out.graph = trace(*session_.backend, *out.replacement, std::span(&target, 1),
                    options_of_rows(request_.rows, cancel_));
  out.phases.emplace_back("graph", watch.lap());
  out.flow = std::make_unique<GraphFlow>(out.graph);
  out.parts =
      build_chart(out.graph, *out.flow, outcome_.dictionary.dictionary.get(), answer_of(out, other),
                  atlas_, {.supernodes = groups(), .members = members});
  out.phases.emplace_back("ideas", watch.lap());
  check_cancelled(cancel_);
  return out;
}

Explanation Explainer::tried(TracedAnswer traced) const {
  ExplainWatch watch;
  Chart& chart = traced.parts.chart;
  {
    const ClaimGround on = ground(traced);
    find_heads(on, traced.parts.nodes, kHeads, chart);
    traced.phases.emplace_back("heads", watch.lap());
    if (!request_.no_claims) {
      try_claims(on, traced.parts.nodes, claim_options(), chart);
      traced.phases.emplace_back("claims", watch.lap());
    }
  }
  chart.footer = footer();
  std::vector<std::string> found = labels(traced);
  return {.ids = std::move(traced.ids),
          .token = traced.token,
          .chart = std::move(chart),
          .graph = std::move(traced.graph),
          .ideas = std::move(traced.parts.ideas),
          .labels = std::move(found),
          .phases = std::move(traced.phases)};
}

std::vector<std::string> Explainer::labels(const TracedAnswer& traced) const {
  const IdeaSources sources = {.graph = traced.graph,
                               .flow = *traced.flow,
                               .dictionary = outcome_.dictionary.dictionary.get(),
                               .atlas = atlas_};
  std::vector<std::string> out(traced.graph.counts.features);
  for (const FeatureGroup& idea : traced.parts.ideas) {
    for (const std::uint32_t node : idea.nodes) {
      const auto page = sources.page(node);
      out[node] = page ? page->label.text : std::string();
    }
  }
  return out;
}

ClaimGround Explainer::ground(const TracedAnswer& traced) const {
  return claim_ground(*session_.backend, *traced.replacement, traced.graph, *traced.flow,
                      traced.value);
}

ClaimOptions Explainer::claim_options() const {
  return {.controls = request_.controls,
          .seed = request_.seed,
          .text = [this](TokenId id) { return text_of_token(session_, id); },
          .cancel = cancel_};
}

TraceTarget Explainer::target_of(LocalReplacement& replacement, TokenId token,
                                 std::optional<TokenId> other) const {
  const std::size_t last = replacement.tokens().size() - 1;
  if (!other) {
    TraceTarget out = token_targets(replacement, std::span(&token, 1), last).front();
    out.node.label = text_of_token(session_, token);
    return out;
  }
  TraceTarget out = why_not(replacement, token, *other, last);
  out.node.label =
      fmt::format("{} - {}", text_of_token(session_, token), text_of_token(session_, *other));
  return out;
}

ChartAnswer Explainer::answer_of(const TracedAnswer& traced, std::optional<TokenId> other) const {
  const ConstMatRef logits = traced.replacement->logits();
  const std::vector<double> next = token_probabilities(logits.row_range(logits.rows - 1, 1));
  ChartAnswer out{.prompt = session_.tokenizer == nullptr
                                ? ""
                                : session_.tokenizer->decode(traced.ids, SkipSpecial::Yes),
                  .tokens = {},
                  .text = text_of_token(session_, traced.token),
                  .probability = next[static_cast<std::size_t>(traced.token)],
                  .why_not = {},
                  .alternatives = alternatives(session_, next)};
  for (const TokenId id : traced.ids) {
    out.tokens.push_back(text_in_prompt(session_, id));
  }
  if (other) {
    out.why_not = text_of_token(session_, *other);
  }
  return out;
}

std::vector<Supernode> Explainer::groups() const {
  if (request_.groups.empty()) {
    return {};
  }
  const Json file = Json::load(request_.groups);
  return supernodes_of(file.at("qParams", request_.groups), request_.groups);
}

std::string Explainer::footer() const {
  std::string out = fmt::format("{}, {}; features of {}", session_.name, session_.precision_name(),
                                outcome_.dictionary.name);
  out += outcome_.atlas.empty() ? "" : ", named from " + outcome_.atlas;
  return outcome_.calibration.empty() ? out : out + ". " + outcome_.calibration;
}

}  // namespace cajal
