// What `explain` shows, as a value: the words of a prompt, the ideas behind an answer, how much of
// the answer goes which way, and what came of trying it. The terminal, the SVG, the page and the
// JSON are all made from this.
//
// Shares are of the answer: the flow of influence along paths from the answer back to the inputs
// (trace/influence.h), each path counted once. Shares of words and of what is not explained add up
// to 1. Effects are in logits of the answer (of the difference, for a why-not).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace cajal {

/// A token of the prompt.
struct ChartToken {
  std::string text;
  double share = 0.0;  // of the answer that comes from its embedding

  friend bool operator==(const ChartToken&, const ChartToken&) = default;
};

/// What came of switching an idea off, or an idea's way to another, with nothing frozen.
struct TriedClaim {
  double predicted = 0.0;   // change of the target's value by the graph: linear, total
  double measured = 0.0;    // the same, of the model
  double control_95 = 0.0;  // 95th percentile of |measured| of random groups alike
  std::size_t controls = 0;
  bool sign = false;    // right
  bool size = false;    // measured / predicted lies in [0.3, 3]
  bool beyond = false;  // |measured| exceeds control_95
  std::string becomes;  // the likeliest answer then; empty for an edge
  double becomes_probability = 0.0;

  bool held() const noexcept { return sign && size && beyond; }

  friend bool operator==(const TriedClaim&, const TriedClaim&) = default;
};

/// A feature at a position.
struct ChartMember {
  std::uint32_t layer = 0;
  std::uint32_t position = 0;
  std::uint32_t feature = 0;
  double activation = 0.0;
  double share = 0.0;    // of the answer that flows through it
  std::string label;     // as the atlas has it; empty: it has none
  std::string label_by;  // "truth", "token", "context", "logits", "none" (atlas/feature_page.h)
  double label_score = 0.0;

  friend bool operator==(const ChartMember&, const ChartMember&) = default;
};

/// A place where an idea's features fire, to read: the text around and the tokens that fire.
struct ChartExample {
  std::string before;
  std::string firing;
  std::string after;

  friend bool operator==(const ChartExample&, const ChartExample&) = default;
};

enum class BoxKind : std::uint8_t { Word, Idea, Answer, Unexplained };

struct ChartBox {
  std::string id;  // "w3" (the position of a word's first token), "i2", "answer", "unexplained"
  BoxKind kind = BoxKind::Idea;
  std::string label;        // at most about four words
  std::string apart = {};   // what tells it from others of the same label: "layer 6"; mostly empty
  std::string named_by;     // a sentence: how the label was made
  double confidence = 0.0;  // 0 to 1: the share of members, by flow, that the label holds for
  std::uint32_t first_layer = 0;
  std::uint32_t last_layer = 0;
  std::vector<std::uint32_t> positions;  // ascending
  double share = 0.0;                    // of the answer that flows through it
  double effect = 0.0;                   // total linear effect on the target; < 0: speaks against
  std::vector<ChartMember> members;      // of ideas, strongest first
  std::vector<ChartExample> examples;    // of ideas
  std::vector<std::string> promotes;     // tokens
  std::vector<std::string> suppresses;
  std::optional<TriedClaim> claim;

  friend bool operator==(const ChartBox&, const ChartBox&) = default;
};

/// What one head carried along an edge.
struct ChartHead {
  std::uint32_t layer = 0;
  std::uint32_t head = 0;
  std::uint32_t to = 0;    // the position that reads
  std::uint32_t from = 0;  // the position that is read
  double effect = 0.0;     // its part of the edge's effect, signed

  friend bool operator==(const ChartHead&, const ChartHead&) = default;
};

struct ChartEdge {
  std::string source;  // ids of boxes
  std::string target;
  double share = 0.0;   // of the answer that flows along it, >= 0
  double effect = 0.0;  // direct linear effect of the source on the target's members, signed
  std::vector<ChartHead> heads;  // strongest first; with `bypass` and `other_heads` they add up
  double other_heads = 0.0;      // heads that are not listed
  double bypass = 0.0;           // what passed no attention
  std::optional<TriedClaim> claim;

  friend bool operator==(const ChartEdge&, const ChartEdge&) = default;
};

/// A way from words to the answer.
struct ChartRoute {
  std::vector<std::string> boxes;  // ids, words first
  double share = 0.0;
  double effect = 0.0;

  friend bool operator==(const ChartRoute&, const ChartRoute&) = default;
};

struct ChartAlternative {
  std::string text;
  double probability = 0.0;

  friend bool operator==(const ChartAlternative&, const ChartAlternative&) = default;
};

struct Chart {
  std::string title;  // the question: Why did the model answer " Austin"?
  std::string prompt;
  std::vector<ChartToken> tokens;
  std::string answer;
  double answer_probability = 0.0;
  std::string why_not;  // the other token; empty: none
  std::vector<ChartAlternative> alternatives;
  std::vector<ChartBox> boxes;   // words by position, ideas by (layer, position), answer, grey box
  std::vector<ChartEdge> edges;  // that are shown, by share
  std::vector<ChartRoute> routes;  // strongest first
  double unexplained = 0.0;        // 1 - replacement, unselected features folded
  double replacement = 0.0;
  double completeness = 0.0;
  double largest_residual = 0.0;
  double ideas_hold = 0.0;  // share of the influence of all kept features that ideas hold
  std::size_t claims_held = 0;
  std::size_t claims_tried = 0;
  std::vector<std::string> notes;  // a sentence each, such as what the ideas leave out
  std::string footer;              // model, precision, how claims fared on many prompts

  const ChartBox* box(const std::string& id) const noexcept;

  friend bool operator==(const Chart&, const Chart&) = default;
};

}  // namespace cajal
