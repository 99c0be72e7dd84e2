// Whether what a graph claims is so: its groups of features switched off in the model, with nothing
// frozen (explain/claims.h); and how that goes on many prompts of the specimen's world.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "explain/calibration.h"
#include "explain/claims.h"
#include "service/open_dictionary.h"
#include "service/options.h"
#include "service/session.h"
#include "trace/graph_json.h"

namespace cajal {

struct VerifyRequest : ModelOptions {
  std::optional<std::string> graph;  // a graph file; absent with calibrate
  std::string dictionary;            // a path; empty: the specimen's
  std::vector<std::string> group;    // "LABEL=ID,ID": nodes of the file; empty: its own groups
  std::optional<std::size_t>
      number;  // of features where there are no groups (20); of prompts (500)
  std::size_t controls = 20;
  std::size_t seed = 0;
  bool calibrate = false;
  std::optional<std::string> world;  // with calibrate: prompts of this task only
  std::optional<std::size_t> k;      // for dictionaries that do not say
  bool trust = false;                // do not check that the dictionary fits the model
};

const FieldTable<VerifyRequest>& verify_fields();

/// Throws InvalidArgument unless there is one thing to verify, and for groups spelled wrong.
void check_verify(const VerifyRequest& request);

/// A --group: a name and ids of the graph's nodes.
struct NamedGroup {
  std::string label;
  std::vector<std::string> ids;
};
/// Throws InvalidArgument for what is not LABEL=ID,ID,...
NamedGroup named_group(const std::string& text);

struct VerifiedGroup {
  std::string label;
  std::vector<ActiveFeature> members;
  std::vector<std::uint32_t> words;  // positions of tokens that belong to it
  TestedClaim test;
};

struct VerifiedEdge {
  std::size_t source = 0;  // into the groups
  std::size_t target = 0;
  TestedClaim test;
};

struct VerifyOutcome {
  std::string prompt;
  std::string target;  // the token that the graph explains
  TokenId token = 0;
  double value = 0.0;  // its logit less the mean of all
  std::vector<VerifiedGroup> groups;
  std::vector<VerifiedEdge> edges;  // those that carry most of the answer
  OpenedDictionary dictionary;
  std::vector<std::string> notes;  // a sentence each

  std::size_t tried() const noexcept { return groups.size() + edges.size(); }
  std::size_t held() const noexcept;
};

/// Throws InvalidArgument where the graph is of another model, dictionary or prompt, naming both;
/// NotFound for nodes that it lacks; Unsupported for graphs of directions instead of tokens; and
/// what loading and trying throw.
VerifyOutcome verify_graph(Session& session, const VerifyRequest& request,
                           const std::stop_token& cancel = {});

struct CalibrationOutcome {
  std::size_t prompts = 0;
  Calibration ideas;
  Calibration edges;
  OpenedDictionary dictionary;
  double seconds = 0.0;
};

/// Traces prompts of the world, as many of each task, and tries the claims of their ideas and of
/// the edges between these. Throws as verify_graph() does, and Cancelled.
CalibrationOutcome calibrate_claims(
    Session& session, const VerifyRequest& request, const std::stop_token& cancel = {},
    const std::function<void(std::size_t done, std::size_t total)>& progress = nullptr);

/// What a chart's footer says of how claims fare, from the file that `verify --calibrate --json -o`
/// wrote; nullopt where there is no such file or it is of another model or dictionary. Throws
/// CorruptData for a file that is none.
std::optional<std::string> calibration_sentence(const std::filesystem::path& file,
                                                const Provenance& provenance);

Provenance provenance_of(const Session& session, const VerifyRequest& request,
                         const OpenedDictionary& dictionary);
Json to_json(const VerifyOutcome& outcome);
Json to_json(const CalibrationOutcome& outcome);

}  // namespace cajal
