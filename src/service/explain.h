// How an answer came about: generates it, traces the token that is to be explained, groups features
// into ideas, tries what the chart claims, and names the heads that carried it.
#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "explain/chart/chart.h"
#include "explain/ideas.h"
#include "service/open_dictionary.h"
#include "service/options.h"
#include "service/session.h"
#include "trace/attribution_graph.h"

namespace cajal {

struct ExplainRequest : ModelOptions, InputOptions {
  std::string dictionary;              // a path; empty: the specimen's
  std::string atlas;                   // a path; empty: the specimen's, with its dictionary
  std::optional<std::string> target;   // a token, as text or #ID; absent: the model's own
  std::optional<std::string> why_not;  // a token: the answer less this
  std::optional<std::string> versus;   // another prompt: what differs between the two
  bool answer = false;                 // every token of the answer with content, not the first one
  std::size_t max_tokens = 24;         // of the answer
  std::string rows = "auto";           // as TraceRequest's
  bool no_claims = false;
  std::string groups;  // a graph file whose supernodes are the user's groups; empty: none
  std::string html;    // files; empty: none
  std::string svg;
  std::string png;
  std::size_t controls = 20;  // random groups for each claim
  std::size_t seed = 0;       // of these
  std::optional<std::size_t> k;
  bool trust = false;
};

const FieldTable<ExplainRequest>& explain_fields();

/// Throws InvalidArgument for what makes no sense together.
void check_explain(const ExplainRequest& request);

/// A phase of the work and its seconds.
using ExplainPhase = std::pair<std::string, double>;

/// One token of an answer, explained.
struct Explanation {
  std::vector<TokenId> ids;  // what the model had read
  TokenId token = 0;
  Chart chart;
  AttributionGraph graph;
  std::vector<FeatureGroup> ideas;
  std::vector<std::string> labels;  // [nodes of features] of those in ideas, by the atlas; "": none
  std::vector<ExplainPhase> phases;
};

/// What the charts of one run have in common.
struct ExplainOutcome {
  std::vector<TokenId> prompt_ids;
  std::vector<TokenId> answer_ids;
  OpenedDictionary dictionary;
  std::string atlas;                  // its file; empty: none
  std::optional<std::uint64_t> seed;  // of the random groups beside claims; absent: none were tried
  std::string calibration;            // how claims fare on many prompts; empty: not known
  std::vector<std::string> notes;     // one sentence each, for the user
  double answer_s = 0.0;              // to generate it
  double open_s = 0.0;                // dictionary and atlas
};

/// Calls `sink` for each token that is explained, as soon as it is. Throws NotFound for a target
/// that is no token, naming the nearest; InvalidArgument for a prompt that fills the context, an
/// answer without content, and a dictionary or an atlas of another model; Cancelled, and what
/// loading and tracing throw.
ExplainOutcome explain_prompt(Session& session, const ExplainRequest& request,
                              const std::function<void(const ExplainOutcome&, Explanation)>& sink,
                              std::stop_token cancel = {});

/// Provenance with the dictionary in it.
Provenance provenance_of(const Session& session, const ExplainOutcome& outcome);

/// The graph for front ends, with the ideas as its supernodes, pinned with the words and the answer
/// (only what is pinned is drawn); `slug` names it.
Json graph_file(const Session& session, const ExplainOutcome& outcome,
                const Explanation& explanation, const std::string& slug);

}  // namespace cajal
