#include "service/explain.h"

#include <map>
#include <tuple>

#include "base/error.h"
#include "service/explainer.h"
#include "service/input.h"
#include "service/rows_option.h"
#include "service/target_token.h"
#include "trace/graph_json.h"

namespace cajal {
namespace {

FieldTable<ExplainRequest> explain_own_fields() {
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
      {{.name = "versus",
        .help = "compare with this prompt: which ideas both have, which only one, and what happens "
                "when one gets the other's (--target and --why-not name the answers of the two)",
        .value = "PROMPT"},
       &ExplainRequest::versus},
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
      {rows_field(), &ExplainRequest::rows},
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
      {k_field(), &ExplainRequest::k},
      {trust_field(), &ExplainRequest::trust},
  };
}

using LabelsByPlace =
    std::map<std::tuple<std::uint32_t, std::uint32_t, std::uint32_t>, std::string>;

LabelsByPlace labels_of(const Explanation& explanation) {
  LabelsByPlace out;
  for (std::uint32_t node = 0; node < explanation.labels.size(); ++node) {
    const ActiveFeature& f = explanation.graph.feature(node);
    out[{f.layer, f.position, f.feature}] = explanation.labels[node];
  }
  return out;
}

/// Words, answer and members of groups, as ids of nodes.
Json pinned(const Json& graph, const Json& groups) {
  Json out(Json::Array{});
  for (const Json& node : graph.at("nodes", "graph").as_array("nodes")) {
    const std::string type = node.at("feature_type", "nodes").as_string("nodes");
    if (type == "embedding" || type == "logit") {
      out.push_back(node.at("node_id", "nodes"));
    }
  }
  for (const Json& group : groups.as_array("supernodes")) {
    const Json::Array& parts = group.as_array("supernodes");
    for (std::size_t i = 1; i < parts.size(); ++i) {  // the first is the name
      out.push_back(parts[i]);
    }
  }
  return out;
}

}  // namespace

const FieldTable<ExplainRequest>& explain_fields() {
  static const FieldTable<ExplainRequest> table = [] {
    auto out = input_fields<ExplainRequest>();
    append(out, model_fields<ExplainRequest>());
    append(out, explain_own_fields());
    return out;
  }();
  return table;
}

void check_explain(const ExplainRequest& request) {
  options_of_rows(request.rows);  // throws what is no number or word
  check(!request.text || !request.text->empty(),
        "the prompt is empty: there is nothing to explain");
  check(!request.answer || (!request.target && !request.why_not),
        "--answer explains every token of the answer: leave --target and --why-not away");
  check(!request.versus || !request.versus->empty(),
        "--versus: the prompt is empty: there is nothing to compare with");
  check(!request.versus || (!request.answer && request.groups.empty()),
        "--versus compares one token of two prompts: leave --answer and --groups away");
  check(!request.versus || !request.text || *request.versus != *request.text,
        "--versus: both prompts are the same, so nothing differs between them");
}

ExplainOutcome explain_prompt(Session& session, const ExplainRequest& request,
                              const std::function<void(const ExplainOutcome&, Explanation)>& sink,
                              std::stop_token cancel) {
  check_explain(request);
  ExplainOutcome out;
  ExplainWatch watch;
  out.seed = request.no_claims ? std::nullopt : std::optional<std::uint64_t>(request.seed);
  out.prompt_ids = input_ids(session, request);
  out.answer_ids = generated_answer(session, request, out.prompt_ids, cancel);
  const std::vector<AskedToken> asked = what_is_asked(session, request, out.answer_ids);
  std::optional<TokenId> other;
  if (request.why_not) {
    other = token_of(session, *request.why_not);
  }
  out.answer_s = watch.lap();
  const ExplainAtlas atlas = open_for_explain(session, request, out, cancel);
  out.open_s = watch.lap();
  const Explainer explainer(session, request, out, atlas.view, std::move(cancel));
  for (const AskedToken& one : asked) {
    check(one.token != other, "'{}' is what the model answers: why not something else?",
          request.why_not.value_or(""));
    std::vector<TokenId> ids = out.prompt_ids;
    ids.insert(ids.end(), out.answer_ids.begin(),
               out.answer_ids.begin() + static_cast<std::ptrdiff_t>(one.before));
    sink(out, explainer.tried(explainer.traced(std::move(ids), one.token, other)));
  }
  return out;
}

Provenance provenance_of(const Session& session, const ExplainOutcome& outcome) {
  Provenance out = session.provenance();
  outcome.dictionary.describe(out);
  out.seed = outcome.seed;
  return out;
}

Json graph_file(const Session& session, const ExplainOutcome& outcome,
                const Explanation& explanation, const std::string& slug) {
  GraphJsonOptions options{.slug = slug,
                           .scan = outcome.dictionary.scan(),
                           .prompt = explanation.chart.prompt,
                           .prompt_tokens = {}};
  for (const ChartToken& token : explanation.chart.tokens) {
    options.prompt_tokens.push_back(token.text);
  }
  options.info =
      Json::object({{"generator", Json::object({{"name", "cajal"}, {"version", version_text()}})}});
  options.provenance =
      envelope("explain", provenance_of(session, outcome), Json()).at("provenance", "envelope");
  options.label = [labels = labels_of(explanation)](const ActiveFeature& f) {
    const auto at = labels.find({f.layer, f.position, f.feature});
    return at == labels.end() ? std::string() : at->second;
  };
  Json out = graph_json(explanation.graph, options);
  Json query = out.at("qParams", "graph");
  const Json groups = supernodes_json(explanation.graph, explanation.ideas);
  query.set("pinnedIds", pinned(out, groups));
  query.set("supernodes", groups);
  return out.set("qParams", std::move(query));
}

}  // namespace cajal
