// AuxK (Gao et al. 2024, "Scaling and evaluating sparse autoencoders"): features that no longer
// fire learn to reconstruct what the others leave. The gradient reaches their encoders too, without
// which they would stay dead.
#include <algorithm>
#include <limits>
#include <utility>

#include "train/dictionary/learning_step.h"

namespace cajal {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr std::size_t kShareInPassing = 8;  // of the features: one in so many is dead

}  // namespace

std::size_t LearningStep::count_of_dead() const {
  return recipe_.auxiliary.count == 0 ? shape_.d_out / 2 : recipe_.auxiliary.count;
}

SelectionRule LearningStep::rule_of_dead(std::size_t count) const {
  return {.kind = SelectionKind::TopK,
          .count = count,
          .floor = recipe_.auxiliary.relu ? 0.0 : -kInfinity};
}

/// Where many are dead, looking at the pre-activations that the code is chosen from costs less than
/// making those of the dead once more.
bool LearningStep::seeks_dead_in_passing(std::size_t layer) const {
  if (dead_.empty() || recipe_.auxiliary.coefficient == 0.0 || recipe_.dead.after_batch ||
      recipe_.auxiliary.each_prefix) {
    return false;
  }
  const auto dead = static_cast<std::size_t>(std::ranges::count(dead_of(layer), 1));
  return dead != 0 && dead >= shape_.features / kShareInPassing;
}

std::vector<double> LearningStep::floors_of_dead(std::size_t layer) const {
  std::vector<double> out(shape_.features);
  std::ranges::transform(dead_of(layer), out.begin(),
                         [](std::uint8_t dead) { return dead != 0 ? -kInfinity : kInfinity; });
  return out;
}

/// The `count` largest pre-activations of each token among `features`, as entries of all features.
/// Most of a million features may be dead, so they too come in blocks.
SparseEntries LearningStep::encode_dead(std::size_t layer, std::span<const std::int32_t> features,
                                        std::size_t count) {
  const std::size_t n = features.size();
  const std::vector<double> all_biases = doubles_of(weights(layer).b_enc);
  std::vector<double> biases(n);
  std::vector<double> scales(recipe_.ranks_by_norm ? n : 0);
  for (std::size_t i = 0; i < n; ++i) {
    const auto feature = static_cast<std::size_t>(features[i]);
    biases[i] = all_biases[feature];
    if (recipe_.ranks_by_norm) {
      scales[i] = norms_[layer][feature];
    }
  }
  Matrix bias = make_matrix(backend_, 1, n);
  store(biases, bias.ref());
  SelectionRule rule = rule_of_dead(count);
  rule.scales = scales;
  Selection selection(backend_, rule, tokens_, n);
  const std::size_t block = block_of(tokens_, n);
  Matrix rows = make_matrix(backend_, block, shape_.d_in);
  Matrix h = make_matrix(backend_, tokens_, block);
  for (std::size_t begin = 0; begin < n; begin += block) {
    const std::size_t size = std::min(block, n - begin);
    const MatRef own = rows.ref().row_range(0, size);
    const MatRef part = h.ref().col_range(0, size);
    ops::gather(backend_, encoder(layer), features.subspan(begin, size), 1.0, own);
    ops::linear(backend_, encoder_input(layer), own,
                std::as_const(bias).ref().col_range(begin, size), part, recipe_.precision);
    selection.add(part, begin);
  }
  SparseEntries out = selection.finish();
  out.pattern.cols = shape_.features;
  for (std::uint32_t& column : out.pattern.columns) {
    column = static_cast<std::uint32_t>(features[column]);
  }
  return out;
}

/// What the squares of the auxiliary error count.
double LearningStep::auxiliary_weight(std::size_t m, std::size_t g, double share) const {
  const AuxiliaryOptions& o = recipe_.auxiliary;
  double unit = static_cast<double>(tokens_);
  if (o.scale == AuxiliaryScale::TargetVariance) {
    unit = reconstruction_.variance(m);
  } else if (o.scale == AuxiliaryScale::ErrorVariance) {
    unit = summed_variance(backend_, reconstruction_.error(m, g));
  }
  return unit == 0.0 ? 0.0 : o.coefficient * (o.partial ? std::min(1.0, share) : 1.0) / unit;
}

/// Dead features among [begin, end) for the error of prefix g.
void LearningStep::reconstruct_with_dead(std::size_t g, std::size_t begin, std::size_t end,
                                         LearnedStep& result) {
  const std::size_t count = count_of_dead();
  Auxiliary part;
  std::size_t all = 0;
  for (std::size_t layer = 0; layer < shape_.layers; ++layer) {
    std::vector<std::int32_t> features;
    for (std::size_t i = begin; i < end; ++i) {
      if (dead_[layer * shape_.features + i] != 0) {
        features.push_back(static_cast<std::int32_t>(i));
      }
    }
    all += features.size();
    LayerCode code;
    code.entries.pattern = {
        .cols = shape_.features, .starts = std::vector<std::size_t>(tokens_ + 1, 0), .columns = {}};
    if (found_dead_[layer]) {
      code.entries = std::move(*found_dead_[layer]);
    } else if (!features.empty()) {
      code.entries = encode_dead(layer, features, count);
    }
    part.codes.push_back(std::move(code));
  }
  if (all == 0) {
    return;
  }
  const double share = static_cast<double>(all) / static_cast<double>(count * shape_.layers);
  for (std::size_t m = 0; m < shape_.layers; ++m) {
    Matrix error = make_matrix(backend_, tokens_, shape_.d_out);
    backend_.copy(reconstruction_.error(m, g), error.ref());
    for (std::size_t layer = 0; layer <= m; ++layer) {
      ops::sparse_product(backend_, {.pattern = &part.codes[layer].entries.pattern,
                                     .values = part.codes[layer].entries.values,
                                     .table = weights(layer).decoder(m - layer),
                                     .out = error.ref(),
                                     .accumulate = Accumulate::Yes});
    }
    const double weight = auxiliary_weight(m, g, share);
    result.auxiliary += weight * ops::sum_of_squares(backend_, std::as_const(error).ref());
    ops::scale(backend_, std::as_const(error).ref(), 2.0 * weight, error.ref());
    part.errors.push_back(std::move(error));
  }
  auxiliaries_.push_back(std::move(part));
}

void LearningStep::backward_auxiliary(Auxiliary& part) {
  for (std::size_t m = 0; m < shape_.layers && recipe_.auxiliary.reaches_bias; ++m) {
    ops::add_column_sums(backend_, std::as_const(part.errors[m]).ref(), gradients(m).b_dec);
  }
  for (std::size_t layer = 0; layer < shape_.layers; ++layer) {
    const SparseEntries& entries = part.codes[layer].entries;
    if (entries.pattern.stored() == 0) {
      continue;
    }
    const TransposedPattern by_feature = transposed(entries.pattern);
    const std::vector<double> values = picked(entries.values, by_feature.places);
    std::vector<double> dh(entries.values.size(), 0.0);
    std::vector<double> dots(entries.values.size());
    for (std::size_t m = layer; m < shape_.layers; ++m) {
      const ConstMatRef dy = std::as_const(part.errors[m]).ref();
      ops::sparse_dots(backend_, {.pattern = &entries.pattern,
                                  .a = dy,
                                  .table = weights(layer).decoder(m - layer),
                                  .out = dots});
      std::ranges::transform(dh, dots, dh.begin(), std::plus<>());
      ops::sparse_product(backend_, {.pattern = &by_feature.pattern,
                                     .values = values,
                                     .table = dy,
                                     .out = gradients(layer).decoder(m - layer),
                                     .accumulate = Accumulate::Yes});
    }
    if (recipe_.auxiliary.reaches_encoder) {
      for (std::size_t e = 0; e < dh.size(); ++e) {
        db_enc_[layer][entries.pattern.columns[e]] += dh[e];
      }
      add_encoder_gradient(layer, by_feature, dh, Accumulate::Yes);
    }
  }
}

}  // namespace cajal
