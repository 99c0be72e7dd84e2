// Interventions as data: which features of a dictionary, or which points of a model, become what at
// which positions, and what stays as it was. They read and write JSON and have a short spelling:
//
//   LAYER:POSITION:FEATURE=CHANGE     a feature of a dictionary
//   POINT:POSITION=CHANGE             a point of the model (model/points.h), no dictionary needed
//
//   POSITION  7, or 3-5 (5 included), or 3- (from 3 on), or * (all), generated tokens included in
//             the last two; last (of the prompt); generated (all after the prompt)
//   CHANGE    2.5 (becomes that), *2, +3, -3, off (0), from (what it is in another prompt), from*2
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "io/json.h"

namespace cajal {

class Dictionary;
struct ModelConfig;

/// Which tokens of a sequence.
struct Positions {
  enum class Kind : std::uint8_t { Range, Last, Generated };
  Kind kind = Kind::Range;
  std::size_t begin = 0;
  std::optional<std::size_t> end;  // exclusive; absent: all that follow, generated ones included

  bool includes(std::size_t position, std::size_t prompt) const noexcept;
  static Positions at(std::size_t position) { return {.begin = position, .end = position + 1}; }
  static Positions from(std::size_t position) { return {.begin = position, .end = std::nullopt}; }
  friend bool operator==(const Positions&, const Positions&) = default;
};

enum class ChangeKind : std::uint8_t { Set, Scale, Add, From };

/// What becomes of a number. For features, Scale and Add refer to the unchanged model where the
/// prompt is and to what the feature is at the moment where tokens are generated; for points always
/// to what is there. From: `value` times what another prompt has at that position.
struct Change {
  ChangeKind kind = ChangeKind::Set;
  double value = 0.0;
  friend bool operator==(const Change&, const Change&) = default;
};

struct FeatureEdit {
  std::size_t layer = 0;  // of the model
  Positions positions;
  std::size_t feature = 0;
  Change change;
  friend bool operator==(const FeatureEdit&, const FeatureEdit&) = default;
};

struct PointEdit {
  std::string point;  // as parse_point takes it
  Positions positions;
  Change change;
  std::vector<double> direction = {};  // Set and Add: times change.value; empty: all columns 1
  friend bool operator==(const PointEdit&, const PointEdit&) = default;
};

/// What is held as it is without any intervention, at the positions of the prompt.
struct Frozen {
  bool attention = false;  // patterns
  // And what the MLPs of layers [first, second) give, with all patterns. Features then count by
  // their unchanged activations and write to these layers only. If it is all of the layers, the
  // denominators of norms too: what is left are linear, direct effects.
  std::optional<std::pair<std::size_t, std::size_t>> layers = {};
  friend bool operator==(const Frozen&, const Frozen&) = default;
};

struct Interventions {
  std::vector<FeatureEdit> features;  // of two for the same place the later one counts
  std::vector<PointEdit> points;      // in this order, after features
  Frozen frozen;
  friend bool operator==(const Interventions&, const Interventions&) = default;
};

/// Throw InvalidArgument quoting the text and saying what is allowed.
Positions parse_positions(std::string_view text);
Change parse_change(std::string_view text);
std::variant<FeatureEdit, PointEdit> parse_edit(std::string_view text);
/// "none", "attention", "all", "3" or "3-5" (5 included). Layers as a model of so many has them.
Frozen parse_frozen(std::string_view text, std::size_t layers);

std::string spelling_of(const Positions& positions);
std::string spelling_of(const Change& change);
std::string spelling_of(const FeatureEdit& edit);
std::string spelling_of(const PointEdit& edit);

/// {"features": [{"layer", "position", "feature", "value"}], "points": [{"point", "position",
/// "value", "direction"}], "frozen": {"attention", "layers"}}; a position is a number, a name, or
/// [begin, end] (exclusive; null: on), and in place of "value" stand "scale", "add" or "from".
Json to_json(const Interventions& interventions);
/// Throws CorruptData naming the place in `where`.
Interventions interventions_from_json(const Json& json, std::string_view where);

/// Throws InvalidArgument naming what is valid for a layer, position, feature or point that is not
/// there, for a direction of another width, for numbers that are not finite, and for From without
/// another prompt (`donor`) or where tokens are generated. `dictionary`: nullptr if there is none.
void check_interventions(const Interventions& interventions, const ModelConfig& config,
                         const Dictionary* dictionary, std::size_t prompt, bool donor);

/// One group of features off, another at the activations of another prompt times `strength`.
Interventions swap_features(std::span<const FeatureEdit> off, std::span<const FeatureEdit> on,
                            double strength);

}  // namespace cajal
