// Activation patching between twins: where is a hidden thing read?
//
// A probe tells where a thing can be read off the residual stream, and not whether the model does
// so. Here one layer's output at some tokens is replaced by what the twin has there, a question
// that differs in the hidden thing alone, and the whole greedy answer is looked at: has it become
// the twin's? (Interchange interventions, Geiger et al. 2021; resid_post of one layer at a time.)
#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "measure/world_score.h"

namespace cajal {

enum class PatchPlace : std::uint8_t {
  End,   // the token that holds the last byte of what hides the thing
  Span,  // all of its tokens
  Last,  // the last token of the prompt
};
/// "end", "span", "last".
std::string_view name_of(PatchPlace place) noexcept;

struct PatchCurve {
  std::string task;
  std::string hidden;  // kind of the twins' difference
  PatchPlace place = PatchPlace::End;
  std::size_t n = 0;                      // pairs
  std::vector<std::size_t> changed = {};  // [layers] of n: the answer became the twin's
  std::size_t drawn = 0;                  // pairs that were looked at to find them

  double share(std::size_t layer) const {
    return n == 0 ? 0.0 : static_cast<double>(changed[layer]) / static_cast<double>(n);
  }
};

struct PatchOptions {
  std::size_t pairs = 50;  // of each kind of difference
  std::uint64_t seed = 0;  // draws them
  std::stop_token cancel;
  std::function<void(std::string_view what)> progress;
};

/// Three curves for each kind in which the task's twins differ, in alphabetical order; none for a
/// task without twins. A pair counts if both questions are answered, differ in their answers, have
/// as many tokens, and hide the thing at the same ones. Throws Cancelled, and what forward throws.
std::vector<PatchCurve> patch_task(const Asked& asked, const Task& task,
                                   const PatchOptions& options = {});

}  // namespace cajal
