// config.yaml of circuit-tracer's folders. Private to this folder.
#pragma once

#include "dictionary/formats/format.h"

namespace cajal {

/// The key under which we list the layers of a set of transcoders, which circuit-tracer ignores:
/// without it a set whose last layers are missing looks whole, and one with gaps looks damaged.
inline constexpr std::string_view kCircuitTracerLayers = "cajal_layers";

/// An empty object if there is none. Throws CorruptData if it is no mapping.
Json circuit_tracer_config(const std::filesystem::path& folder);

/// The hook that `key` names, at a layer; empty if it names none.
std::string circuit_tracer_point(const Json& config, std::string_view key, std::size_t layer);

/// Model name and metadata.
void describe_circuit_tracer(const Json& config, DictionaryInfo& info);

}  // namespace cajal
