// Attribution graphs as safetensors: all numbers of a trace, before anything is pruned. The names
// are those of circuit-tracer's raw graphs; docs/formats.md lists them.
#pragma once

#include <filesystem>

#include "io/json.h"
#include "io/safetensors.h"
#include "trace/attribution_graph.h"

namespace cajal {

/// A raw graph and what is said about it.
struct RawGraph {
  AttributionGraph graph;
  Json about;  // prompt, provenance, ...: what the writer was given
};

/// Throws what AtomicFile throws; the file appears whole or not at all. Holds one row of the square
/// matrix at a time beside the graph.
void write_raw_graph(const std::filesystem::path& path, const AttributionGraph& graph,
                     const Json& about);

/// Throws NotFound, or CorruptData naming file and tensor where shapes or indices do not fit. Of a
/// file without our own tensors, what they hold is 0.
RawGraph read_raw_graph(const std::filesystem::path& path);
RawGraph read_raw_graph(std::shared_ptr<const Safetensors> file);

}  // namespace cajal
