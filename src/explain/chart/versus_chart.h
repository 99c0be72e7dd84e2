// What differs between two prompts, as `explain --versus` shows it: the ideas behind both answers
// side by side, how much of each answer goes through them, and what came of making an idea in one
// prompt as it is in the other. Terminal, SVG, page and JSON are made from this.
//
// Both prompts are explained for the same thing. Where they are answered differently that is the
// difference of the two answers' logits, seen from each side: what each prompt's own answer has
// more than the other's. Where both have one answer it is that answer's logit less the mean of all.
// Shares and effects are of that, as in a chart (explain/chart/chart.h).
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "explain/chart/chart.h"

namespace cajal {

/// The two prompts by index.
inline constexpr std::size_t kVersusPrompts = 2;

/// In which of the two prompts an idea is at work.
enum class VersusWhere : std::uint8_t { First, Second, Both };

/// An idea, or words, as one prompt has them.
struct VersusHalf {
  /// Its box in the prompt's own chart, without what came of trying that; absent where the prompt
  /// has no such idea or word.
  std::optional<ChartBox> box;
  double share = 0.0;   // of the prompt's answer that flows through the same features there
  double effect = 0.0;  // their total linear effect on it
  double fires = 0.0;   // 0 to 1: how strongly they fire there, of what each does where it is more
  /// What this prompt's value does when it is made here as it is in the other prompt, nothing
  /// frozen; absent where that would change nothing, or nothing worth a claim.
  std::optional<TriedClaim> claim;

  friend bool operator==(const VersusHalf&, const VersusHalf&) = default;
};

struct VersusEntry {
  std::string id;                // "i2", of words "w5" (the role of the first)
  BoxKind kind = BoxKind::Idea;  // or Word
  std::string label;             // at most about four words; where both call it differently both
  VersusWhere where = VersusWhere::Both;
  double likeness = 0.0;     // of the two charts' ideas; 0: only one has it as an idea of its own
  bool exchangeable = true;  // false: all of it stands where the other prompt has no features
  std::array<VersusHalf, kVersusPrompts> halves;

  double share() const noexcept { return halves[0].share + halves[1].share; }
  friend bool operator==(const VersusEntry&, const VersusEntry&) = default;
};

/// One of the two prompts.
struct VersusPrompt {
  std::string prompt;
  std::vector<ChartToken> tokens;
  std::string answer;
  double answer_probability = 0.0;
  std::vector<ChartAlternative> alternatives;
  double value = 0.0;  // what is explained: its answer's logit less the other's (or less the mean)
  double unexplained = 0.0;
  double replacement = 0.0;
  double completeness = 0.0;
  double largest_residual = 0.0;
  double ideas_hold = 0.0;
  std::optional<TriedClaim> all;  // every idea at once made as it is in the other prompt

  friend bool operator==(const VersusPrompt&, const VersusPrompt&) = default;
};

struct VersusChart {
  std::string title;
  bool opposed = true;  // two answers; false: one, and values are in the same terms
  std::array<VersusPrompt, kVersusPrompts> prompts;
  std::vector<VersusEntry> words;  // that have a share worth a box, by place
  std::vector<VersusEntry> ideas;  // only in the first, only in the second, in both; by share
  std::size_t claims_held = 0;
  std::size_t claims_tried = 0;
  std::vector<std::string> notes;
  std::string footer;

  /// The other prompt's value in the terms of this one's.
  double value_of_other(std::size_t prompt) const noexcept {
    const double value = prompts[1 - prompt].value;
    return opposed ? -value : value;
  }
  /// How far a change of a prompt's value goes towards the other's: 1 is all the way. nullopt where
  /// both have about the same (less than a hundredth apart).
  std::optional<double> way(std::size_t prompt, double change) const noexcept;

  friend bool operator==(const VersusChart&, const VersusChart&) = default;
};

/// What is small beside the values of both prompts: differences below it are none.
double least_difference(const VersusChart& chart) noexcept;

}  // namespace cajal
