// What a model says when something inside it is changed, beside what it says otherwise
// (intervene/run.h).
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "intervene/run.h"
#include "model/generate.h"
#include "service/open_dictionary.h"
#include "service/options.h"
#include "service/session.h"

namespace cajal {

struct EditRequest : ModelOptions, InputOptions {
  std::string dictionary;           // a path; empty: the specimen's, where features are changed
  std::vector<std::string> set;     // spellings (intervene/intervention.h)
  std::vector<std::string> steer;   // POINT:POSITION=STRENGTH*LAYER:FEATURE or STRENGTH*FILE
  std::string edits;                // a JSON file with more; they come first
  std::optional<std::string> from;  // another prompt
  std::vector<TokenId> from_ids;    // the same as ids
  std::string freeze = "none";      // "none", "attention", "all", layers
  std::string raw;                  // file for the logits of the prompt; empty: none
  std::optional<std::size_t> max_tokens = 10;
  std::size_t top = 5;             // likeliest next tokens to compare
  std::size_t first_position = 1;  // features of the prompt before it count as not active
  std::optional<std::size_t> k;    // for dictionaries that do not say
  bool trust = false;              // do not check that the dictionary fits the model
};

const FieldTable<EditRequest>& edit_fields();

/// Throws InvalidArgument for changes that are spelled wrong, none at all, or another prompt that
/// nothing is taken from.
void check_edit(const EditRequest& request);

struct EditOutcome {
  struct Side {
    Generation generation;
    std::vector<double> next;  // [vocab] probabilities after the prompt
  };
  std::vector<TokenId> prompt_ids;
  std::vector<TokenId> donor_ids;  // empty: there is none
  Interventions interventions;
  Side unchanged;
  Side changed;
  std::vector<TokenId> next;                    // likeliest on either side, likeliest first
  std::optional<std::size_t> first_difference;  // index of the first written token that differs
  std::optional<OpenedDictionary> dictionary;
  std::unique_ptr<InterventionRun> run;  // for save_logits
};

/// The likeliest token is written at each step. Throws what loading throws, and InvalidArgument
/// naming what is valid for a layer, position, feature or point that is not there.
EditOutcome edit_prompt(Session& session, const EditRequest& request,
                        const std::stop_token& cancel = {});

/// Provenance with the dictionary in it.
Provenance provenance_of(const Session& session, const EditOutcome& outcome);
/// Tensors "unchanged" and "changed", [prompt, vocab], and "tokens", [1, prompt].
void save_logits(Session& session, EditOutcome& outcome, const std::filesystem::path& path);
Json to_json(const EditOutcome& outcome, const Session& session);

}  // namespace cajal
