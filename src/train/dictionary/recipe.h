// How a dictionary is learned: every choice in which published recipes differ, as data.
//
// Steps are t = 0, 1, … With h a pre-activation, a what it becomes, n the norm of the feature's
// decoder row (over all its targets), theta its threshold, B the tokens of a step.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "ops/dense.h"
#include "train/adamw.h"

namespace cajal {

/// SAE, transcoder, or, with more than one layer, cross-layer transcoder: features of layer l write
/// to layers l .. layers - 1.
struct DictionaryShape {
  std::size_t layers = 1;
  std::size_t features = 0;  // of each layer
  std::size_t d_in = 0;
  std::size_t d_out = 0;
  bool skip = false;  // y += W_skip x

  std::size_t targets(std::size_t layer) const noexcept { return layers - layer; }
};

/// value * min(1, (t + 1) / steps), or from zero value * min(1, t / steps). 0 steps: value.
struct Ramp {
  double value = 0.0;
  std::size_t steps = 0;
  bool from_zero = true;

  double at(std::size_t t) const {
    const auto done = static_cast<double>(from_zero ? t : t + 1);
    return steps == 0 ? value : value * std::min(1.0, done / static_cast<double>(steps));
  }
};

enum class CodeKind : std::uint8_t {
  Relu,
  TopK,       // of each token
  BatchTopK,  // floor(k B) of all tokens
  GroupMax,   // the largest of each of k groups of neighbouring features
  JumpRelu,   // h where h > theta
};

enum class ThresholdParameter : std::uint8_t {
  Raw,        // theta itself
  Log,        // its logarithm, with the chain rule
  LogDirect,  // its logarithm; da/dlog theta is -theta / bandwidth, with no further factor
};

/// The window K is |h - theta| < bandwidth / 2. da/dtheta = -theta / bandwidth there, and
/// d[h > theta]/dtheta = -1 / bandwidth.
struct JumpOptions {
  ThresholdParameter parameter = ThresholdParameter::Raw;
  double bandwidth = 0.001;
  bool to_input = false;    // the opposites of both flow to h
  bool clamped = false;     // theta >= 0 before each forward
  bool gated_step = false;  // the step sees a, so the window's lower half never counts
  bool calibrated = false;  // theta begins where SparsityOptions::target features fire on a token
                            // of the first batch, or, if fewer are above 0, all those that are
};

enum class ErrorKind : std::uint8_t {
  Squares,  // sum over columns, mean over tokens
  Fvu,      // sum of squares / sum (y - mean y)^2
};

/// Errors of the reconstructions by the first prefixes[g] features are summed with weights[g].
struct ErrorOptions {
  ErrorKind kind = ErrorKind::Squares;
  double scale = 1.0;
  std::vector<std::size_t> prefixes = {};  // ascending, the last one all features; empty: all
  std::vector<double> weights = {};        // empty: 1 each
};

/// Mean over tokens of
enum class SparsityKind : std::uint8_t {
  None,
  L1,              // sum a n
  Tanh,            // sum tanh(slope a n)
  Step,            // L0 = #{h > theta}
  Quadratic,       // 2 / target (L0 - target)^2
  BatchQuadratic,  // (mean L0 / target - 1)^2
};

struct SparsityOptions {
  SparsityKind kind = SparsityKind::None;
  Ramp coefficient = {};
  double slope = 4.0;
  bool of_absolute = false;  // Tanh of |a|, whose gradient is 0 where a = 0
  double target = 0.0;       // L0
  /// A step multiplies the coefficient by exp(pace e), e at least -1 and at most 1: log(L0 /
  /// target) as it will be in `horizon` steps if L0 goes on as it has of late. L0 follows the
  /// penalty slowly: by where it is now, the penalty would overshoot. 0: the coefficient stays.
  double pace = 0.0;
  double horizon = 0.0;
};

enum class Among : std::uint8_t { None, Dead, All };

/// Mean over tokens of the sum of relu(theta - h) n: pulls features back that never fire.
struct PreActivationOptions {
  Among among = Among::None;
  double coefficient = 0.0;
};

enum class AuxiliaryScale : std::uint8_t {
  None,
  TargetVariance,  // divided by sum (y - mean y)^2 over the batch
  ErrorVariance,   // divided by sum (e - mean e)^2
};

/// AuxK: the largest pre-activations among dead features reconstruct the (constant) error e.
struct AuxiliaryOptions {
  double coefficient = 0.0;  // 0: off
  std::size_t count = 0;     // of each token; 0: d_out / 2
  bool relu = true;          // else h as it is
  bool partial = false;      // times min(dead / count, 1)
  AuxiliaryScale scale = AuxiliaryScale::None;
  bool reaches_encoder = true;
  bool reaches_bias = false;  // its gradient goes to b_dec too
  bool each_prefix = false;   // dead features of a prefix alone, for the error of that prefix
};

enum class CountUnit : std::uint8_t { Steps, Tokens };

/// A feature is dead if it has not fired for more than `window` units.
struct DeadOptions {
  CountUnit unit = CountUnit::Tokens;
  std::int64_t window = 10'000'000;
  bool after_batch = false;  // this batch counts too
  double fires_above = 0.0;  // |a|
};

enum class RowNorms : std::uint8_t {
  Free,
  BeforeForward,  // rows of the decoder are divided by n + epsilon
  AfterBackward,  // before the update
  AfterStep,
};

struct DecoderOptions {
  RowNorms norms = RowNorms::Free;
  double epsilon = 0.0;
  bool projects = false;            // takes away the gradient's part along the row, which is
  double projection_epsilon = 0.0;  // divided by n + this
  bool is_unit = false;             // or taken to be of norm 1
  bool frozen = false;              // stays as it began: a baseline
};

enum class Warmup : std::uint8_t {
  Linear,    // (t + 1) / warmup
  FromZero,  // t / warmup
  Cosine,    // from a tenth to 1
};

/// Up, constant, then down in a line over the last `decay` steps, by (steps - t) / decay.
struct DictionarySchedule {
  double peak = 1e-3;
  std::size_t steps = 0;
  std::size_t warmup = 0;
  Warmup kind = Warmup::Linear;
  std::size_t decay = 0;
  double at(std::size_t t) const;
};

/// The threshold that turns a selection among tokens into one that each token makes alone: the mean
/// over steps of the smallest rank that was kept.
struct EstimateOptions {
  double rate = 0.0;               // estimate += rate (smallest - estimate); 0: none
  std::size_t first_step = 0;      // t from which on
  bool begins_with_first = false;  // else with 0
  bool mean_of_tokens = false;     // the mean of the smallest of each token
};

enum class Start : std::uint8_t {
  AsGiven,
  GeometricMedian,  // b_dec, of the first batch
  MeanTarget,       // b_dec; transcoders also get b_enc = -W_enc mean(x)
};

struct DictionaryRecipe {
  CodeKind code = CodeKind::TopK;
  double k = 0.0;
  bool ranks_by_norm = false;  // TopK and BatchTopK choose by h n
  bool subtracts_bias = true;  // h = W_enc (x - b_dec) + b_enc
  JumpOptions jump = {};
  ErrorOptions error = {};
  SparsityOptions sparsity = {};
  PreActivationOptions pre_activation = {};
  AuxiliaryOptions auxiliary = {};
  DeadOptions dead = {};
  DecoderOptions decoder = {};
  EstimateOptions estimate = {};
  Start start = Start::AsGiven;
  AdamWOptions adam = {.beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8, .decay = 0.0, .clip = 1.0};
  DictionarySchedule schedule = {};
  double average_rate =
      0.0;  // of a moving average of the weights, taken before each update; 0: off
  Precision precision = Precision::F32;  // of the encoder's product
};

}  // namespace cajal
