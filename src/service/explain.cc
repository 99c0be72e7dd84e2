#include "service/explain.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <memory>
#include <numeric>

#include "base/error.h"
#include "explain/build_chart.h"
#include "explain/claims.h"
#include "model/generate.h"
#include "model/probabilities.h"
#include "service/explain_atlas.h"
#include "service/generate.h"
#include "service/input.h"
#include "service/target_token.h"
#include "trace/graph_json.h"
#include "trace/trace.h"

namespace cajal {
namespace {

constexpr double kUnexpanded = 0.02;      // of the influence that may be left unexpanded
constexpr std::size_t kAlternatives = 5;  // likeliest answers that are named
constexpr double kLeastEdge = 0.01;       // of the answer, from which an edge is shown
constexpr std::size_t kEdges = 40;
constexpr std::size_t kHeads = 4;  // of each edge

using Clock = std::chrono::steady_clock;

/// Names the time since it was last asked.
class Watch {
 public:
  double lap() {
    const auto now = Clock::now();
    return std::chrono::duration<double>(now - std::exchange(last_, now)).count();
  }

 private:
  Clock::time_point last_ = Clock::now();
};

std::optional<std::size_t> rows_of(const std::string& text) {
  std::size_t out = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), out);
  return end.ec == std::errc() && end.ptr == text.data() + text.size() ? std::optional(out)
                                                                       : std::nullopt;
}

TraceOptions trace_options(const ExplainRequest& request, const std::stop_token& cancel) {
  TraceOptions out{.cancel = cancel};
  if (request.rows == "auto") {
    out.unexpanded = kUnexpanded;
    out.update_interval = 1;
  } else if (request.rows != "all") {
    out.max_features = *rows_of(request.rows);
  }
  return out;
}

std::vector<TokenId> generated(Session& session, const ExplainRequest& request,
                               const std::vector<TokenId>& prompt, const std::stop_token& cancel) {
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

/// Which token after how many of the answer's own.
struct Asked {
  std::size_t before = 0;
  TokenId token = 0;
};

std::vector<Asked> what_is_asked(const Session& session, const ExplainRequest& request,
                                 const std::vector<TokenId>& answer) {
  if (request.target) {
    const TokenId token = token_of(session, *request.target);
    const auto at = std::find(answer.begin(), answer.end(), token);
    return {{at == answer.end() ? 0 : static_cast<std::size_t>(at - answer.begin()), token}};
  }
  std::vector<Asked> out;
  for (std::size_t i = 0; i < answer.size() && (request.answer || out.empty()); ++i) {
    if (has_content(session, answer[i])) {
      out.push_back({i, answer[i]});
    }
  }
  check(!out.empty(),
        "the model's answer has no word or number in its first {} tokens: name what to explain "
        "with --target TOKEN",
        answer.size());
  return out;
}

/// Of the logits at the last position, all of them.
std::vector<double> next_probabilities(const LocalReplacement& replacement) {
  const ConstMatRef logits = replacement.logits();
  std::vector<double> out;
  for (std::size_t c = 0; c < logits.cols; ++c) {
    out.push_back(element(logits, logits.rows - 1, c));
  }
  softmax(out);
  return out;
}

std::vector<ChartAlternative> alternatives(const Session& session, const std::vector<double>& p) {
  std::vector<std::size_t> order(p.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const std::size_t most = std::min(kAlternatives, p.size());
  std::partial_sort(
      order.begin(), order.begin() + static_cast<std::ptrdiff_t>(most), order.end(),
      [&](std::size_t a, std::size_t b) { return p[a] != p[b] ? p[a] > p[b] : a < b; });
  std::vector<ChartAlternative> out;
  for (std::size_t i = 0; i < most; ++i) {
    out.push_back({text_of_token(session, static_cast<TokenId>(order[i])), p[order[i]]});
  }
  return out;
}

/// Explains one token; keeps what all of them share.
class Explainer {
 public:
  Explainer(Session& session, const ExplainRequest& request, ExplainOutcome& outcome,
            const AtlasView& atlas, std::stop_token cancel)
      : session_(session),
        request_(request),
        outcome_(outcome),
        atlas_(atlas),
        cancel_(std::move(cancel)) {}

  Explanation explain(const Asked& asked) {
    Watch watch;
    Explanation out;
    out.token = asked.token;
    out.ids = outcome_.prompt_ids;
    out.ids.insert(out.ids.end(), outcome_.answer_ids.begin(),
                   outcome_.answer_ids.begin() + static_cast<std::ptrdiff_t>(asked.before));
    LocalReplacement replacement(*session_.backend, session_.model, outcome_.dictionary.dictionary,
                                 out.ids, {.precision = session_.precision});
    const TraceTarget target = target_of(replacement, asked.token);
    out.phases.emplace_back("model and features", watch.lap());
    out.graph = trace(*session_.backend, replacement, std::span(&target, 1),
                      trace_options(request_, cancel_));
    out.phases.emplace_back("graph", watch.lap());
    const GraphFlow flow(out.graph);
    ChartParts parts = build_chart(
        out.graph, flow, outcome_.dictionary.dictionary.get(), answer_of(out, replacement), atlas_,
        {.supernodes = groups(), .least_edge = kLeastEdge, .edges = kEdges});
    out.chart = std::move(parts.chart);
    out.ideas = std::move(parts.ideas);
    out.phases.emplace_back("ideas", watch.lap());
    check_not_cancelled();
    try_it(replacement, flow, target, parts.nodes, out, watch);
    out.chart.footer = footer();
    return out;
  }

 private:
  TraceTarget target_of(LocalReplacement& replacement, TokenId token) const {
    const std::size_t last = replacement.tokens().size() - 1;
    if (!request_.why_not) {
      TraceTarget out = token_targets(replacement, std::span(&token, 1), last).front();
      out.node.label = text_of_token(session_, token);
      return out;
    }
    const TokenId other = token_of(session_, *request_.why_not);
    check(token != other, "'{}' is what the model answers: why not something else?",
          *request_.why_not);
    TraceTarget out = why_not(replacement, token, other, last);
    out.node.label =
        fmt::format("{} - {}", text_of_token(session_, token), text_of_token(session_, other));
    return out;
  }

  ChartAnswer answer_of(const Explanation& explanation, const LocalReplacement& replacement) const {
    const std::vector<double> next = next_probabilities(replacement);
    ChartAnswer out{.prompt = session_.tokenizer == nullptr
                                  ? ""
                                  : session_.tokenizer->decode(explanation.ids, SkipSpecial::Yes),
                    .tokens = {},
                    .text = text_of_token(session_, explanation.token),
                    .probability = next[static_cast<std::size_t>(explanation.token)],
                    .why_not = {},
                    .alternatives = alternatives(session_, next)};
    for (const TokenId id : explanation.ids) {
      out.tokens.push_back(text_of_token(session_, id));
    }
    if (request_.why_not) {
      out.why_not = text_of_token(session_, token_of(session_, *request_.why_not));
    }
    return out;
  }

  std::vector<Supernode> groups() const {
    if (request_.groups.empty()) {
      return {};
    }
    const Json file = Json::load(request_.groups);
    return supernodes_of(file.at("qParams", request_.groups), request_.groups);
  }

  void check_not_cancelled() const {
    if (cancel_.stop_requested()) {
      fail(ErrorCode::Cancelled, "interrupted");
    }
  }

  void try_it(LocalReplacement& replacement, const GraphFlow& flow, const TraceTarget& target,
              const BoxNodes& nodes, Explanation& out, Watch& watch) const {
    const ClaimGround ground =
        claim_ground(*session_.backend, replacement, out.graph, flow, target.row);
    find_heads(ground, nodes, kHeads, out.chart);
    out.phases.emplace_back("heads", watch.lap());
    if (request_.no_claims) {
      return;
    }
    try_claims(ground, nodes,
               {.controls = request_.controls,
                .seed = request_.seed,
                .text = [this](TokenId id) { return text_of_token(session_, id); },
                .cancel = cancel_},
               out.chart);
    out.phases.emplace_back("claims", watch.lap());
  }

  std::string footer() const {
    std::string out = fmt::format("{}, {}; features of {}", session_.name,
                                  session_.precision_name(), outcome_.dictionary.name);
    out += outcome_.atlas.empty() ? "" : ", named from " + outcome_.atlas;
    return outcome_.calibration.empty() ? out : out + ". " + outcome_.calibration;
  }

  Session& session_;
  const ExplainRequest& request_;
  ExplainOutcome& outcome_;
  const AtlasView& atlas_;
  std::stop_token cancel_;
};

FieldTable<ExplainRequest> own_fields() {
  return {
      {dictionary_field(), &ExplainRequest::dictionary},
      {{.name = "atlas",
        .help = "what the features mean, as cajal atlas wrote it (default: the specimen's)",
        .value = "FILE"},
       &ExplainRequest::atlas},
      {{.name = "target",
        .help = "the token to explain, as text or #ID (default: the first of the answer that has a "
                "letter or digit)",
        .value = "TOKEN"},
       &ExplainRequest::target},
      {{.name = "why_not", .help = "explain why that and not this token", .value = "TOKEN"},
       &ExplainRequest::why_not},
      {{.name = "answer", .help = "explain each token of the answer that has a letter or digit"},
       &ExplainRequest::answer},
      {{.name = "max_tokens",
        .help = "tokens of the answer at most",
        .letter = 'n',
        .min = 1,
        .max = 1000},
       &ExplainRequest::max_tokens},
      {{.name = "html", .help = "write the chart as a page that needs no network", .value = "FILE"},
       &ExplainRequest::html},
      {{.name = "svg", .help = "write the picture as SVG", .value = "FILE"}, &ExplainRequest::svg},
      {{.name = "png", .help = "write the picture as PNG", .value = "FILE"}, &ExplainRequest::png},
      {{.name = "rows",
        .help = "features to follow back: a number, all, or auto (until less than 2 % of the "
                "influence is left)",
        .value = "N|all|auto"},
       &ExplainRequest::rows},
      {{.name = "no_claims", .help = "do not try what the chart claims (faster)"},
       &ExplainRequest::no_claims},
      {{.name = "groups",
        .help = "take the groups of this graph file (its supernodes) as ideas, and find the rest",
        .value = "FILE"},
       &ExplainRequest::groups},
      {{.name = "controls",
        .help = "random groups that each claim is compared with",
        .min = 1,
        .max = 1000},
       &ExplainRequest::controls},
      {{.name = "seed", .help = "of these random groups", .min = 0}, &ExplainRequest::seed},
      {{.name = "k",
        .help = "features a token, for dictionaries whose files do not say",
        .letter = 'k',
        .min = 1},
       &ExplainRequest::k},
      {trust_field(), &ExplainRequest::trust},
  };
}

}  // namespace

const FieldTable<ExplainRequest>& explain_fields() {
  static const FieldTable<ExplainRequest> table = [] {
    auto out = input_fields<ExplainRequest>();
    append(out, model_fields<ExplainRequest>());
    append(out, own_fields());
    return out;
  }();
  return table;
}

void check_explain(const ExplainRequest& request) {
  const bool word = request.rows == "all" || request.rows == "auto";
  check(word || rows_of(request.rows).has_value(), "rows is '{}': give a number, all, or auto",
        request.rows);
  check(!request.text || !request.text->empty(),
        "the prompt is empty: there is nothing to explain");
  check(!request.answer || (!request.target && !request.why_not),
        "--answer explains every token of the answer: leave --target and --why-not away");
}

ExplainOutcome explain_prompt(Session& session, const ExplainRequest& request,
                              const std::function<void(const ExplainOutcome&, Explanation)>& sink,
                              std::stop_token cancel) {
  check_explain(request);
  ExplainOutcome out;
  Watch watch;
  out.prompt_ids = input_ids(session, request);
  out.answer_ids = generated(session, request, out.prompt_ids, cancel);
  const std::vector<Asked> asked = what_is_asked(session, request, out.answer_ids);
  out.answer_s = watch.lap();
  out.dictionary = open_dictionary_for(
      session, request.dictionary,
      {.k = request.k ? std::optional(static_cast<double>(*request.k)) : std::nullopt},
      request.trust, cancel);
  const ExplainAtlas atlas =
      open_explain_atlas(session, request.dictionary, request.atlas, provenance_of(session, out));
  out.atlas = atlas.file;
  out.calibration = atlas.calibration;
  out.notes = out.dictionary.notes;
  out.notes.insert(out.notes.end(), atlas.notes.begin(), atlas.notes.end());
  out.open_s = watch.lap();
  Explainer explainer(session, request, out, atlas.view, std::move(cancel));
  for (const Asked& one : asked) {
    sink(out, explainer.explain(one));
  }
  return out;
}

Provenance provenance_of(const Session& session, const ExplainOutcome& outcome) {
  Provenance out = session.provenance();
  outcome.dictionary.describe(out);
  return out;
}

Json graph_file(const Session& session, const ExplainOutcome& outcome,
                const Explanation& explanation, const std::string& slug) {
  GraphJsonOptions options{.slug = slug,
                           .scan = outcome.dictionary.name,
                           .prompt = explanation.chart.prompt,
                           .prompt_tokens = {}};
  for (const ChartToken& token : explanation.chart.tokens) {
    options.prompt_tokens.push_back(token.text);
  }
  options.info =
      Json::object({{"generator", Json::object({{"name", "cajal"}, {"version", version_text()}})}});
  options.provenance =
      envelope("explain", provenance_of(session, outcome), Json()).at("provenance", "envelope");
  Json out = graph_json(explanation.graph, options);
  Json query = out.at("qParams", "graph");
  query.set("supernodes", supernodes_json(explanation.graph, explanation.ideas));
  return out.set("qParams", std::move(query));
}

}  // namespace cajal
