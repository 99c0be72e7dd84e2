// Published experiments on a model that knows the world (explain/experiments).
#pragma once

#include <functional>
#include <stop_token>
#include <string>

#include "explain/experiments/experiment.h"
#include "service/open_dictionary.h"
#include "service/options.h"
#include "service/session.h"

namespace cajal {

struct ExperimentRequest : ModelOptions {
  std::string name;         // empty: list them
  std::string dictionary;   // a path; empty: the specimen's
  std::size_t cases = 100;  // held out
  std::size_t development = 48;
  std::size_t seed = 0;
  bool trust = false;  // do not check that the dictionary fits the model
};

const FieldTable<ExperimentRequest>& experiment_fields();

struct ExperimentOutcome {
  ExperimentResult result;
  OpenedDictionary dictionary;
};

using ExperimentProgress = std::function<void(std::size_t done, std::size_t total)>;

/// With the model, names and dictionary that the experiment is about, where the request names none.
/// Throws NotFound for an unknown name, and saying what is missing where.
ExperimentRequest at_home(ExperimentRequest request);

/// Throws NotFound for an unknown name, suggesting the nearest; Unsupported without a tokenizer;
/// InvalidArgument where the model answers too few of the questions; Cancelled.
ExperimentOutcome run_experiment(Session& session, const ExperimentRequest& request,
                                 const std::stop_token& cancel = {},
                                 const ExperimentProgress& progress = nullptr);

/// Provenance with dictionary and seed in it.
Provenance provenance_of(const Session& session, const ExperimentOutcome& outcome,
                         std::size_t seed);

/// {"experiments": [{"name", "summary"}]}
Json experiments_json();

/// A session as experiments take it. Throws Unsupported without a tokenizer.
Subject subject_of(Session& session, const OpenedDictionary& dictionary);

}  // namespace cajal
