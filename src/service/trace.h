// What an answer is due to: the attribution graph of a prompt (trace/trace.h).
#pragma once

#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "service/open_dictionary.h"
#include "service/options.h"
#include "service/session.h"
#include "trace/graph_json.h"
#include "trace/influence.h"

namespace cajal {

struct TraceRequest : ModelOptions, InputOptions {
  std::string dictionary;              // a path; empty: the specimen's
  std::vector<std::string> target;     // tokens as text or #ID, or LAYER:POSITION:FEATURE; empty:
                                       // the likeliest tokens
  std::vector<std::string> at;         // positions after which tokens are explained: numbers, or
                                       // "last"; empty: the last
  std::optional<std::string> why_not;  // a token: the first target (or the likeliest) less this
  std::string rows = "auto";           // features that get one: a number, "all" or "auto"
  bool as_reference = false;           // unselected features and error ids as circuit-tracer does
  std::string raw;                     // file for all numbers; empty: none
  std::size_t max_logits = 10;
  double logit_probability = 0.95;
  std::size_t first_position = 1;  // before it are no features and no errors
  double node_threshold = 0.8;
  double edge_threshold = 0.98;
  std::size_t top = 10;          // nodes to show
  std::optional<std::size_t> k;  // for dictionaries that do not say
  bool trust = false;            // do not check that the dictionary fits the model
};

const FieldTable<TraceRequest>& trace_fields();

/// Throws InvalidArgument for rows or positions that are neither a number nor a word, and for
/// targets that cannot be compared.
void check_trace(const TraceRequest& request);

/// A node worth showing.
struct TopNode {
  std::size_t node = 0;
  double share = 0.0;  // of all influence on features, errors and embeddings
};

struct TraceOutcome {
  AttributionGraph graph;
  std::vector<std::string> token_texts;  // [positions]
  std::string prompt;
  GraphScores scores;              // unselected features as errors
  GraphScores without_unselected;  // circuit-tracer's
  std::vector<TopNode> top;        // most influential first
  OpenedDictionary dictionary;
  double forward_s = 0.0;  // model and encoding
  double rows_s = 0.0;
};

/// Throws NotFound for a target that is no token, saying what it is made of; Cancelled, and what
/// loading and tracing throw.
TraceOutcome trace_prompt(Session& session, const TraceRequest& request,
                          std::stop_token cancel = {});

/// Provenance with the dictionary in it.
Provenance provenance_of(const Session& session, const TraceOutcome& outcome);
/// The pruned graph for front ends; `slug` names it.
Json graph_file(const Session& session, const TraceOutcome& outcome, const TraceRequest& request,
                const std::string& slug);
void save_raw_graph(const Session& session, const TraceOutcome& outcome,
                    const std::filesystem::path& path);

/// The name of a graph that goes to this file: characters that none may have become -.
std::string slug_of(const std::string& file);

/// "0:20 at 3 ( the)", "error of layer 2 at 5 (…)", "token 4 (…)".
std::string node_text(const TraceOutcome& outcome, std::size_t node);

/// {"ids", "targets", "active_features", "selected_features", "scores", ..., "top"}
Json to_json(const TraceOutcome& outcome);

}  // namespace cajal
