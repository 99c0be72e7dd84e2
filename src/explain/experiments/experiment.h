// Published experiments, repeated on the specimen: what was claimed of a model's inside is tried on
// a hundred cases that training never showed, beside a control. And proofs on models from
// elsewhere.
//
// A new experiment is one file that defines a `run_…` function, and a line in experiment.cc. What
// is shared: groups of features from attribution graphs, found without truth labels
// (prompt_graph.h), and swaps of them with nothing frozen (group_swap.h). The world says which
// questions to ask and what would be right; it never says which features to change.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "dictionary/dictionary.h"
#include "explain/experiments/rate.h"
#include "io/json.h"
#include "model/model.h"
#include "text/tokenizer.h"

namespace cajal {

/// What is looked into. All must outlive their use; the backend belongs to one thread at a time.
struct Subject {
  Backend& backend;
  std::shared_ptr<const Model> model;
  std::shared_ptr<const Dictionary> dictionary;
  std::shared_ptr<const Tokenizer> tokenizer;
  Precision precision = Precision::F32;
  std::vector<TokenId> stop = {};  // ids that end an answer
};

struct ExperimentOptions {
  std::size_t cases = 100;            // held out
  std::size_t development = 48;       // not held out; what the setting is chosen on
  std::uint64_t seed = 0;             // chooses the cases and the controls
  std::filesystem::path corpus = {};  // of experiments on texts of others
  std::stop_token cancel = {};
  std::function<void(std::size_t done, std::size_t total)> progress = nullptr;
};

/// How often something was so under one condition.
struct Observation {
  std::string what;       // "the answer is the other state's"
  std::string condition;  // "swapped", "control", "unchanged"
  Rate rate;
  std::optional<double> mean = std::nullopt;  // of a probability, where that is what counts
};

/// A setting that was tried on the development split.
struct TriedSetting {
  std::string name;  // "city, strength 1.5"
  Rate rate;
};

/// A number that every case has, over all of them.
struct ExperimentFigure {
  std::string what;
  std::size_t n = 0;
  double median = 0.0;
  double low = 0.0;   // 5 % of the cases are below
  double high = 0.0;  // 5 % are above
  double largest = 0.0;
};
/// Zeros of none.
ExperimentFigure figure_of(std::string what, const std::vector<double>& values);

struct Goal {
  std::string text;  // "at least 80 % become the other state's"
  bool reached = false;
};

struct ExperimentExample {
  std::string prompt;
  std::string donor = {};  // the other prompt; empty: there is none
  std::string wanted = {};
  std::string unchanged = {};  // what the model says
  std::string changed = {};
  std::string control = {};
};

struct ExperimentResult {
  std::string name;
  std::string question = {};  // a sentence
  std::string method = {};    // how groups were found and what was changed
  std::string setting = {};   // what was chosen on the development split
  std::vector<TriedSetting> tried = {};
  std::vector<Observation> observations = {};
  std::vector<ExperimentFigure> figures = {};
  std::vector<Goal> goals = {};
  double members = 0.0;  // features changed in a case, on average
  std::vector<ExperimentExample> examples = {};
  std::vector<std::string> notes = {};  // a sentence each

  bool reached() const;
};

enum class ExperimentInput : std::uint8_t { Text, Ids };

/// What an experiment is about if the user names nothing else; empty: the specimen.
struct ExperimentHome {
  std::string_view model = {};       // in the shared folder (service/shared_folder.h)
  std::string_view vocab = {};       // likewise
  std::string_view corpus = {};      // likewise
  std::string_view dictionary = {};  // what recipes/NAME.yaml makes
  ExperimentInput reads = ExperimentInput::Text;
  // What that very model reads, where it names no begin of a text; another one does not get it.
  std::span<const TokenId> prompt = {};
  std::string_view model_hash = {};  // that tells it (service/identity.h); with a prompt only
};

struct ExperimentEntry {
  std::string_view name;
  std::string_view summary;
  ExperimentResult (*run)(const Subject&, const ExperimentOptions&);
  ExperimentHome home = {};
};

std::span<const ExperimentEntry> experiments();
/// Throws NotFound naming the nearest and all there are.
const ExperimentEntry& experiment_named(std::string_view name);

// One per file beside this. They throw Cancelled, and InvalidArgument where the model answers too
// few of the questions.
ExperimentResult run_two_step(const Subject& subject, const ExperimentOptions& options);
ExperimentResult run_sums(const Subject& subject, const ExperimentOptions& options);
ExperimentResult run_rhyme(const Subject& subject, const ExperimentOptions& options);
ExperimentResult run_capp(const Subject& subject, const ExperimentOptions& options);
ExperimentResult run_stories(const Subject& subject, const ExperimentOptions& options);

/// {"name", "question", "method", "setting", "members", "reached", "goals": [{"text", "reached"}],
/// "observations": [{"what", "condition", "right", "n", "share", "low", "high", "mean"}],
/// "figures": [{"what", "n", "median", "low", "high", "largest"}], "tried": [{"setting", "right",
/// "n", "share"}], "examples": [{"prompt", "donor", "wanted", "unchanged", "changed", "control"}],
/// "notes"}
Json to_json(const ExperimentResult& result);
/// A bar with its interval for each observation.
std::string to_svg(const ExperimentResult& result);

}  // namespace cajal
