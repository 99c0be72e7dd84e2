// Attribution graphs as JSON, schema version 1, as circuit-tracer's front end and Neuronpedia read
// them. What a pruned graph keeps is written; docs/formats.md has the fields.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "io/json.h"
#include "trace/attribution_graph.h"
#include "trace/prune.h"

namespace cajal {

/// What becomes of features that got no row.
enum class Unselected : std::uint8_t {
  Folded,   // part of the error where they stand
  Dropped,  // left out, as circuit-tracer does
};

/// Ids of error nodes.
enum class ErrorIds : std::uint8_t {
  Distinct,     // {layer}_-1_{position}
  AsReference,  // 0_{layer}_{position}, which may be the id of a feature too
};

struct GraphJsonOptions {
  std::string slug;    // the file's name without .json: letters, digits, - and _
  std::string scan;    // what the features are of: the model's id for Neuronpedia
  std::string prompt;  // as text
  std::vector<std::string> prompt_tokens;  // [positions] what to show for each
  std::vector<std::string> transcoders = {};
  PruneOptions prune = {};
  Unselected unselected = Unselected::Folded;
  ErrorIds error_ids = ErrorIds::Distinct;
  std::function<std::string(const ActiveFeature&)> label = nullptr;  // "" for none
  Json info = {};                 // "info" of the metadata: generator, creator; null: absent
  Json generation_settings = {};  // null: absent
  Json provenance = {};           // put into "cajal" of the metadata beside the scores
};

/// Throws InvalidArgument for a slug or tokens that do not fit, and what prune() throws.
Json graph_json(const AttributionGraph& graph, const GraphJsonOptions& options);

/// The one number for layer and feature that the front end un-pairs: Cantor's.
std::uint64_t paired_index(std::uint64_t layer, std::uint64_t feature) noexcept;
/// {layer, feature} of a paired index.
std::pair<std::uint64_t, std::uint64_t> unpaired_index(std::uint64_t index) noexcept;

enum class NodeKind : std::uint8_t { Feature, Error, Embedding, Target };

/// A node of a file.
struct GraphFileNode {
  NodeKind kind = NodeKind::Feature;
  std::string id;
  std::uint32_t layer = 0;    // Feature, Error
  std::uint32_t feature = 0;  // Feature; of an embedding or a target the token
  std::uint32_t position = 0;
  double weight = 0.0;  // of a target, its probability
  std::optional<double> influence = std::nullopt;
  std::optional<double> activation = std::nullopt;
  std::string label;
};

/// A graph that was read back: rows of what the file keeps, ready for influence and scores.
struct GraphFile {
  NodeCounts counts;
  std::vector<GraphFileNode> features;  // by (layer, position, feature)
  std::vector<GraphFileNode> targets;   // in the order of the file
  Matrix rows;                          // [features + targets, sources] F32
  std::vector<std::string> prompt_tokens;
  std::vector<std::optional<std::uint32_t>> token_ids;  // [positions] by ids of embedding nodes
  Json metadata;
  Json query;                      // "qParams"
  std::vector<std::string> notes;  // what a user should know, a sentence each

  GraphRows graph() const { return {counts, rows.ref()}; }
  std::vector<double> weights() const;
};

/// Reads schema 1 and the older numbering of features, both forms of error ids. Throws CorruptData
/// naming `where` and the field for what the schema forbids, for links to nodes that are not there
/// or that run backwards; Unsupported for nodes of other kinds (attention features, biases).
GraphFile parse_graph_json(const Json& json, const std::string& where);
GraphFile load_graph_json(const std::filesystem::path& path);

}  // namespace cajal
