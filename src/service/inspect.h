// What a file or folder is, and whether a model's inner values fit together.
#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "model/self_check.h"
#include "service/options.h"
#include "service/provenance.h"

namespace cajal {

struct InspectRequest : ModelOptions {
  std::string path;    // as `model`; wins over it; both empty: the specimen
  bool check = false;  // run the self-check
};

const FieldTable<InspectRequest>& inspect_fields();

struct InspectResult {
  std::string kind;  // "model", "tokenizer", "tensors"
  Json details;      // an object; docs/json.md says what each kind has
  std::optional<SelfCheck> check = std::nullopt;
  Provenance provenance = {};
  std::vector<std::string> notes = {};

  /// Whether no check failed.
  bool passed() const;
};

/// Throws NotFound, what reading the files throws, InvalidArgument for `check` and how to run
/// what is not a model, and Cancelled.
InspectResult inspect(const InspectRequest& request, const std::stop_token& cancel = {});

/// {"kind", ..., "check": null or {"passed", "checks", "mean_nll", "uniform_nll", "warnings"}}
Json to_json(const InspectResult& result);

}  // namespace cajal
