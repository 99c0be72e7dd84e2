// A dictionary as a command's -d names it, alone or with the model it is for.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "dictionary/load.h"
#include "measure/dictionary_fit.h"
#include "service/session.h"

namespace cajal {

/// A dictionary in use.
struct OpenedDictionary {
  std::string name;  // as the user gave it
  std::shared_ptr<const Dictionary> dictionary;
  std::vector<std::string> notes;  // one sentence each, for the user

  /// What graph files call it: org/name of the Hugging Face hub, else where circuit-tracer's page
  /// asks its server for what `cajal features --front-end` wrote beside the graph.
  std::string scan() const;
  /// Adds its name and hash to what a result says about itself.
  void describe(Provenance& provenance) const;
};

/// `k`: features a token, for dictionaries whose files do not say; absent: they do.
LoadOptions load_options(const std::optional<std::size_t>& k);

/// A path, or org/name in the local Hugging Face cache. Throws NotFound saying where was looked,
/// and what load_dictionary throws.
OpenedDictionary open_dictionary(const std::string& name, const LoadOptions& options = {});

/// The same for use with a model. Unless `trust`, throws InvalidArgument where it does not fit the
/// model (judge_fit), measured on some 250 tokens that the model writes itself; what was measured
/// is kept in the user's cache folder by the hashes of both. A model that names no token that
/// begins a text need not write anything like what it reads: what fits badly there is measured
/// again on `prompt` and what the model writes after that, or without one is not judged, which
/// a note says.
OpenedDictionary open_dictionary_for(Session& session, const std::string& name,
                                     const LoadOptions& options, bool trust,
                                     const std::stop_token& cancel = {},
                                     std::span<const TokenId> prompt = {});

}  // namespace cajal
