// The features that an answer is due to, as its attribution graph says, and the part of them that
// goes with one thing of a prompt and not with another.
//
// No truth label takes part. What tells a group is contrast: features of this graph that fire here,
// do not fire in a prompt that differs in the thing, and do fire in one that shares it. Each prompt
// has its roles: which of its positions stand for the thing (its words, the last token), so that
// positions of two prompts correspond by role and not by number.
#pragma once

#include <span>
#include <tuple>
#include <vector>

#include "explain/experiments/experiment.h"
#include "trace/local_replacement.h"

namespace cajal {

/// What a position is in its prompt; the same number in two prompts corresponds.
struct Role {
  std::size_t position = 0;
  bool last = false;  // the prompt's last token; otherwise a word of the thing
};

/// A prompt and its roles, in the same order in every prompt that it is compared with.
struct RoledPrompt {
  std::vector<TokenId> ids;
  std::vector<Role> roles;
};

/// The roles of a text: each token that holds a byte of [begin, end), in order, then the last
/// token. With begin == end there is only the last.
RoledPrompt roled_prompt(const Subject& subject, const std::string& text, std::size_t begin,
                         std::size_t end);

/// Layer, role and feature: where a feature fires, in an order in which prompts can be compared.
using RoledPlace = std::tuple<std::uint32_t, std::size_t, std::uint32_t>;

struct RoledFeature {
  std::uint32_t layer = 0;
  std::uint32_t feature = 0;
  std::size_t role = 0;  // index into RoledPrompt::roles
  double activation = 0.0;
  double share = 0.0;  // of the answer that flows through it; 0 where no graph was made
  double now = 0.0;    // of what comes in: its activation where it is to come in

  RoledPlace place() const noexcept { return {layer, role, feature}; }
  friend bool operator==(const RoledFeature&, const RoledFeature&) = default;
};

/// All that fires at a prompt's roles, by place; no graph.
std::vector<RoledFeature> features_at_roles(const Subject& subject, const RoledPrompt& prompt);

struct PromptGraphOptions {
  double hold = 0.97;      // important features hold this much of what flows through all at roles
  std::size_t rows = 512;  // features that get a row, at most
  std::stop_token cancel = {};
};

/// What fires at the roles, and what of it the likeliest next token is due to.
struct PromptGraph {
  std::vector<RoledFeature> active;     // by place
  std::vector<RoledFeature> important;  // the same order; the fewest that hold so much
};
PromptGraph read_prompt_graph(const Subject& subject, const RoledPrompt& prompt,
                              const PromptGraphOptions& options = {});

/// Important features of `graph` that do not fire at the same role in `without`, and do in each of
/// `with`.
std::vector<RoledFeature> contrast(const PromptGraph& graph, std::span<const RoledFeature> without,
                                   std::span<const std::vector<RoledFeature>> with = {});

}  // namespace cajal
