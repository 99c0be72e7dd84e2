// A dictionary from one layout into another.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "service/open_dictionary.h"

namespace cajal {

struct ConvertRequest {
  std::string dictionary;  // a path
  std::string to;          // "circuit-tracer", "saelens"
  std::string in;          // a safetensors file of activations, for thresholds of TopK
  std::string tensor;      // in it; empty: its only one
  std::optional<std::size_t> k;
};

const FieldTable<ConvertRequest>& convert_fields();

struct ConvertResult {
  std::string from;  // the layout it was in
  std::string to;
  std::string kind;
  std::vector<std::filesystem::path> files;
  std::vector<double> thresholds;  // by layer, where TopK became JumpReLU; else empty
  Provenance provenance;
  std::vector<std::string> notes;
};

/// Writes into `folder`. TopK and BatchTopK become JumpReLU where the layout needs that, with the
/// threshold that the files have, or the one at which k features fire on the activations of `in` in
/// the mean. Throws InvalidArgument where neither is given, and what save_* of dictionary/save.h
/// throw.
ConvertResult convert_dictionary(const ConvertRequest& request, const std::filesystem::path& folder,
                                 bool force);

/// {"from", "to", "kind", "files", "thresholds": null or a number a layer}
Json to_json(const ConvertResult& result);

}  // namespace cajal
