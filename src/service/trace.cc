#include "service/trace.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <numeric>

#include "base/error.h"
#include "base/seconds.h"
#include "base/whole_number.h"
#include "service/input.h"
#include "service/rows_option.h"
#include "service/target_token.h"
#include "trace/trace.h"

namespace cajal {
namespace {

constexpr std::size_t kReferenceRows = 7500;  // circuit-tracer's default

struct FeaturePlace {
  std::size_t layer = 0;
  std::size_t position = 0;
  std::size_t feature = 0;
};

/// LAYER:POSITION:FEATURE; nullopt for other texts.
std::optional<FeaturePlace> feature_place(std::string_view text) {
  const std::size_t first = text.find(':');
  const std::size_t second = text.find(':', first == std::string_view::npos ? first : first + 1);
  if (second == std::string_view::npos) {
    return std::nullopt;
  }
  const auto layer = whole_number(text.substr(0, first));
  const auto position = whole_number(text.substr(first + 1, second - first - 1));
  const auto feature = whole_number(text.substr(second + 1));
  return layer && position && feature ? std::optional(FeaturePlace{*layer, *position, *feature})
                                      : std::nullopt;
}

/// The positions after which tokens are explained, each once, ascending.
std::vector<std::size_t> positions_of(const TraceRequest& request, std::size_t tokens) {
  std::vector<std::size_t> out;
  for (const std::string& text : request.at) {
    out.push_back(text == "last" ? tokens - 1 : *whole_number(text));
    check(out.back() < tokens, "there is no position {}: the prompt has {} tokens, 0 to {}", text,
          tokens, tokens - 1);
  }
  if (out.empty()) {
    out.push_back(tokens - 1);
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

/// All positions where it is more than the last.
LogitRows logit_rows(const TraceRequest& request, std::size_t tokens) {
  const std::vector<std::size_t> positions = positions_of(request, tokens);
  return positions.size() == 1 && positions.front() == tokens - 1 ? LogitRows::Last
                                                                  : LogitRows::All;
}

/// What is asked for, once for all positions.
struct WantedTargets {
  std::vector<TokenId> tokens;
  std::vector<FeaturePlace> features;
};

WantedTargets wanted_targets(const Session& session, const TraceRequest& request) {
  WantedTargets out;
  for (const std::string& text : request.target) {
    if (const auto place = feature_place(text)) {
      out.features.push_back(*place);
    } else {
      out.tokens.push_back(token_of(session, text));
    }
  }
  return out;
}

TraceTarget difference_to(const Session& session, const TraceRequest& request,
                          const LocalReplacement& replacement, const GraphTarget& from) {
  const auto token = static_cast<TokenId>(from.token);
  const TokenId other = token_of(session, *request.why_not);
  check(token != other, "'{}' is what is traced already: why not something else?",
        *request.why_not);
  TraceTarget out = why_not(replacement, token, other, from.position);
  out.node.label =
      fmt::format("{} - {}", text_of_token(session, token), text_of_token(session, other));
  return out;
}

/// Tokens after one position.
std::vector<TraceTarget> targets_at(const Session& session, const TraceRequest& request,
                                    LocalReplacement& replacement, std::size_t position,
                                    std::span<const TokenId> tokens) {
  std::vector<TraceTarget> out =
      tokens.empty()
          ? salient_logits(replacement, position, request.max_logits, request.logit_probability)
          : token_targets(replacement, tokens, position);
  if (request.why_not) {
    return {difference_to(session, request, replacement, out.front().node)};
  }
  for (TraceTarget& target : out) {
    target.node.label = text_of_token(session, static_cast<TokenId>(target.node.token));
  }
  return out;
}

std::vector<TraceTarget> targets_of(const Session& session, const TraceRequest& request,
                                    LocalReplacement& replacement) {
  const WantedTargets wanted = wanted_targets(session, request);
  std::vector<TraceTarget> out;
  if (wanted.features.empty() || !wanted.tokens.empty()) {
    for (const std::size_t position : positions_of(request, replacement.tokens().size())) {
      std::vector<TraceTarget> here =
          targets_at(session, request, replacement, position, wanted.tokens);
      std::move(here.begin(), here.end(), std::back_inserter(out));
    }
  }
  for (const FeaturePlace& f : wanted.features) {
    out.push_back(feature_as_target(replacement, f.layer, f.position, f.feature));
    out.back().node.label = fmt::format("{}:{}:{}", f.layer, f.position, f.feature);
  }
  const auto vocab = static_cast<std::uint32_t>(session.model->config().vocab);
  for (std::size_t i = 0; i < out.size(); ++i) {  // what is no token gets a number of its own
    if (out[i].node.token >= vocab) {
      out[i].node.token = vocab + static_cast<std::uint32_t>(i);
    }
  }
  return out;
}

TraceOptions trace_options(const TraceRequest& request, std::stop_token cancel) {
  if (request.rows == "auto" && request.as_reference) {
    return {.max_features = kReferenceRows, .cancel = std::move(cancel)};
  }
  return options_of_rows(request.rows, std::move(cancel));
}

std::vector<TopNode> top_nodes(const AttributionGraph& graph, std::size_t count) {
  const Matrix folded = graph.folded_rows();
  std::vector<double> flow = influence({graph.counts, folded.ref()}, graph.weights()).nodes;
  flow.resize(graph.counts.sources());
  const double all = std::accumulate(flow.begin(), flow.end(), 0.0);
  std::vector<std::size_t> order(flow.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return flow[a] > flow[b]; });
  std::vector<TopNode> out;
  for (std::size_t i = 0; i < std::min(count, order.size()) && flow[order[i]] > 0.0; ++i) {
    out.push_back({order[i], flow[order[i]] / all});
  }
  return out;
}

}  // namespace

const FieldTable<TraceRequest>& trace_fields() {
  static const FieldTable<TraceRequest> table = [] {
    auto out = input_fields<TraceRequest>();
    append(out, model_fields<TraceRequest>());
    append<TraceRequest>(
        out,
        {{{.name = "dictionary",
           .help = "transcoders of the model: a file or folder (default: the specimen's)",
           .letter = 'd',
           .value = "DICTIONARY"},
          &TraceRequest::dictionary},
         {{.name = "target",
           .help = "a token to explain, as text or #ID, or a feature, as LAYER:POSITION:FEATURE; "
                   "may be given again (default: the likeliest tokens)",
           .value = "TOKEN"},
          &TraceRequest::target},
         {{.name = "at",
           .help =
               "explain what comes after this token of the prompt, counted from 0, or last; may "
               "be given again",
           .value = "POSITION"},
          &TraceRequest::at},
         {{.name = "first_position",
           .help = "features and errors begin here; what MLPs give before counts as constant"},
          &TraceRequest::first_position},
         {{.name = "why_not", .help = "explain the target less this token", .value = "TOKEN"},
          &TraceRequest::why_not},
         {rows_field(), &TraceRequest::rows},
         {{.name = "as_reference",
           .help = "leave out what was not followed and name errors as circuit-tracer does"},
          &TraceRequest::as_reference},
         {{.name = "raw", .help = "write all numbers to this safetensors file", .value = "FILE"},
          &TraceRequest::raw},
         {{.name = "max_logits", .help = "likeliest tokens to explain at most", .min = 1},
          &TraceRequest::max_logits},
         {{.name = "logit_probability",
           .help = "what they have to hold together",
           .value = "P",
           .min = 0,
           .max = 1},
          &TraceRequest::logit_probability},
         {{.name = "node_threshold",
           .help = "share of influence that the graph's nodes hold",
           .value = "P",
           .min = 0,
           .max = 1},
          &TraceRequest::node_threshold},
         {{.name = "edge_threshold", .help = "the same of edges", .value = "P", .min = 0, .max = 1},
          &TraceRequest::edge_threshold},
         {k_field(), &TraceRequest::k},
         {trust_field(), &TraceRequest::trust},
         {{.name = "top", .help = "nodes to show", .letter = 'n', .max = 1000000},
          &TraceRequest::top}});
    return out;
  }();
  return table;
}

void check_trace(const TraceRequest& request) {
  options_of_rows(request.rows);  // throws what is no number or word
  check(!request.text || !request.text->empty(), "the prompt is empty: there is nothing to trace");
  for (const std::string& text : request.at) {
    check(text == "last" || whole_number(text).has_value(),
          "the position is '{}': give a number from 0 on, or last", text);
  }
  const bool features_only =
      !request.target.empty() && std::ranges::all_of(request.target, [](const std::string& text) {
        return feature_place(text).has_value();
      });
  check(
      request.at.empty() || request.at == TraceRequest().at || !features_only,
      "--at says after which token a token is explained, but the targets are features, which name "
      "their positions: leave it out");
  check(!request.why_not || request.target.size() <= 1,
        "--why-not compares one target with another, but there are {}", request.target.size());
  check(!request.why_not || request.target.empty() || !feature_place(request.target.front()),
        "--why-not compares tokens, but the target is the feature {}",
        request.target.empty() ? "" : request.target.front());
}

TraceOutcome trace_prompt(Session& session, const TraceRequest& request, std::stop_token cancel) {
  check_trace(request);
  TraceOutcome out;
  const std::vector<TokenId> ids = input_ids(session, request);
  check(ids.size() <= session.context(), "the prompt has {} tokens, but the model reads {} at most",
        ids.size(), session.context());
  check(!ids.empty(), "there is nothing to trace: the prompt has no tokens");
  check(request.first_position <= ids.size(),
        "features cannot begin at position {}: the prompt has {} tokens", request.first_position,
        ids.size());
  logit_rows(request, ids.size());  // throws for positions that are not there
  out.dictionary = open_dictionary_for(session, request.dictionary, load_options(request.k),
                                       request.trust, cancel, ids);
  const auto begin = Clock::now();
  LocalReplacement replacement(*session.backend, session.model, out.dictionary.dictionary, ids,
                               {.precision = session.precision,
                                .first_position = request.first_position,
                                .logits = logit_rows(request, ids.size())});
  const std::vector<TraceTarget> targets = targets_of(session, request, replacement);
  out.forward_s = seconds_since(begin);
  const auto middle = Clock::now();
  out.graph =
      trace(*session.backend, replacement, targets, trace_options(request, std::move(cancel)));
  out.rows_s = seconds_since(middle);
  for (const TokenId id : ids) {
    out.token_texts.push_back(text_of_token(session, id));
  }
  out.prompt = session.tokenizer == nullptr ? "" : session.tokenizer->decode(ids, SkipSpecial::No);
  const Matrix folded = out.graph.folded_rows();
  out.scores = graph_scores({out.graph.counts, folded.ref()}, out.graph.weights());
  out.without_unselected = graph_scores(out.graph.graph(), out.graph.weights());
  out.top = top_nodes(out.graph, request.top);
  return out;
}

Provenance provenance_of(const Session& session, const TraceOutcome& outcome) {
  Provenance out = session.provenance();
  outcome.dictionary.describe(out);
  return out;
}

}  // namespace cajal
