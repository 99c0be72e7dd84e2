// The ideas in which two prompts' charts differ, exchanged: what `explain --versus` shows to
// whoever asks why one prompt is answered one way and the other another.
//
// No truth label takes part, nor any label. Both prompts are charted for what their own answer has
// more than the other's, ideas of the two charts are matched, and each line of the comparison has a
// predicted effect: how far the prompt's answer goes towards the other's when the features of that
// line are exchanged (explain/versus/build_versus.h). The ideas that are predicted to go furthest
// are what explain takes for the thing in which the prompts differ.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "explain/experiments/group_swap.h"

namespace cajal {

/// A line of the comparison: an idea of one chart, or of both.
struct IdeaSwap {
  GroupSwap swap;          // no feature goes off and comes in at once
  double way = 0.0;        // predicted: 1 is all the way to the donor's answer
  bool of_prompt = false;  // the prompt's chart has the idea
  bool of_donor = false;   // and the donor's
};

/// By predicted way, the longest first; ideas that are predicted to lead away are left out, and so
/// is what they have beyond the prompts' roles. Prompts of as many tokens. What is explained is the
/// first token in which the likeliest continuations differ; empty where none of the first ones
/// does. Throws Cancelled, and what tracing throws.
std::vector<IdeaSwap> idea_swaps(const Subject& subject, const RoledPrompt& prompt,
                                 const RoledPrompt& donor, const std::stop_token& cancel = {});

/// The first, and where only one chart has that the first that only the other chart has: one idea
/// off, another in. At most two, in their order.
std::vector<IdeaSwap> one_of_each(std::span<const IdeaSwap> ideas);

/// All of them as one: each place once.
GroupSwap joined(std::span<const IdeaSwap> ideas);

}  // namespace cajal
