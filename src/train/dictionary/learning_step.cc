#include "train/dictionary/learning_step.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

namespace cajal {
namespace {

constexpr std::size_t kBlockElements = std::size_t{1} << 20U;  // of pre-activations at a time: they
                                                               // stay in a cache
constexpr std::size_t kLeastBlock = 256;                       // features
constexpr double kHintMargin = 0.75;

std::size_t count_of(const DictionaryRecipe& recipe, std::size_t tokens) {
  const double count =
      recipe.code == CodeKind::BatchTopK ? recipe.k * static_cast<double>(tokens) : recipe.k;
  return static_cast<std::size_t>(count);
}

/// Sums of values by feature.
std::vector<double> sums_by_column(const SparsePattern& pattern, std::span<const double> values) {
  std::vector<double> out(pattern.cols, 0.0);
  for (std::size_t e = 0; e < values.size(); ++e) {
    out[pattern.columns[e]] += values[e];
  }
  return out;
}

}  // namespace

LearningStep::LearningStep(DictionaryLearner& learner, const LearningBatch& batch)
    : learner_(learner),
      backend_(learner.backend_),
      recipe_(learner.recipe_),
      shape_(learner.shape_),
      batch_(batch),
      tokens_(batch.tokens()),
      reconstruction_(backend_, shape_, recipe_.error, batch),
      found_dead_(shape_.layers) {
  for (std::size_t layer = 0; layer < shape_.layers; ++layer) {
    read_features(layer);
    read_input(layer);
  }
}

void LearningStep::read_features(std::size_t layer) {
  const auto own = weights(layer);
  norms_.push_back(needs_norms(recipe_) ? row_norms(backend_, own.w_dec) : std::vector<double>());
  theta_.push_back(own.threshold ? thresholds_of(recipe_, doubles_of(own.threshold))
                                 : std::vector<double>());
  totals_.emplace_back();
}

void LearningStep::read_input(std::size_t layer) {
  ConstMatRef x = batch_.x[layer];
  centred_.emplace_back();
  if (recipe_.subtracts_bias) {
    centred_.back() = make_matrix(backend_, x.rows, x.cols);
    backend_.copy(x, centred_.back().ref());
    add_to_rows(backend_, -1.0, weights(layer).b_dec, centred_.back().ref());
    x = std::as_const(centred_.back()).ref();
  }
  inputs_.push_back(x);
  rounded_.emplace_back();
  if (learner_.rounded_) {
    rounded_.back() = Matrix::host(x.rows, x.cols, DType::BF16);
    ops::round_to_bf16(backend_, x, rounded_.back().ref());
  }
}

ConstMatRef LearningStep::encoder(std::size_t layer) const {
  return learner_.rounded_ ? layer_of(std::as_const(*learner_.rounded_), shape_, layer).w_enc
                           : weights(layer).w_enc;
}

ConstMatRef LearningStep::encoder_input(std::size_t layer) const {
  return learner_.rounded_ ? rounded_[layer].ref() : inputs_[layer];
}

std::size_t LearningStep::block_of(std::size_t tokens, std::size_t features) {
  const std::size_t most = std::max(kLeastBlock, kBlockElements / std::max<std::size_t>(1, tokens));
  return std::min(features, most);
}

SelectionRule LearningStep::rule_of(std::size_t layer) const {
  SelectionRule rule = {.count = count_of(recipe_, tokens_)};
  if (recipe_.ranks_by_norm) {
    rule.scales = norms_[layer];
  }
  switch (recipe_.code) {
    case CodeKind::TopK:
      rule.kind = SelectionKind::TopK;
      break;
    case CodeKind::BatchTopK:
      rule.kind = SelectionKind::BatchTopK;
      break;
    case CodeKind::GroupMax:
      rule.kind = SelectionKind::GroupMax;
      break;
    case CodeKind::Relu:
      rule = {.kind = SelectionKind::Above};
      break;
    case CodeKind::JumpRelu:
      rule = {.kind = SelectionKind::Above, .floor = -std::numeric_limits<double>::infinity()};
      break;
  }
  return rule;
}

SparseEntries LearningStep::encode_all(std::size_t layer) {
  SelectionRule rule = rule_of(layer);
  std::vector<double> floors;
  if (recipe_.code == CodeKind::JumpRelu) {
    floors = theta_[layer];
    for (double& x : floors) {
      x -= recipe_.jump.bandwidth / 2.0;
    }
    rule.floors = floors;
  }
  Selection selection(backend_, rule, tokens_, shape_.features, learner_.hints_[layer]);
  std::vector<double> dead_floors;
  std::optional<Selection> dead;
  std::vector<Selection*> selections = {&selection};
  if (seeks_dead_in_passing(layer)) {
    dead_floors = floors_of_dead(layer);
    SelectionRule dead_rule = rule_of_dead(count_of_dead());
    dead_rule.floors = dead_floors;
    if (recipe_.ranks_by_norm) {
      dead_rule.scales = norms_[layer];
    }
    selections.push_back(&dead.emplace(backend_, dead_rule, tokens_, shape_.features));
  }
  add_features(layer, selections);
  if (!selection.is_complete()) {
    selection.begin_again();
    add_features(layer, std::span(selections).first(1));
  }
  if (dead) {
    found_dead_[layer] = dead->finish();
  }
  return selection.finish();
}

void LearningStep::add_features(std::size_t layer, std::span<Selection* const> selections) {
  const std::size_t block = block_of(tokens_, shape_.features);
  Matrix h = make_matrix(backend_, tokens_, block);
  for (std::size_t begin = 0; begin < shape_.features; begin += block) {
    const std::size_t count = std::min(block, shape_.features - begin);
    const MatRef part = h.ref().col_range(0, count);
    ops::linear(backend_, encoder_input(layer), encoder(layer).row_range(begin, count),
                weights(layer).b_enc.col_range(begin, count), part, recipe_.precision);
    for (Selection* const selection : selections) {
      selection->add(part, begin);
    }
  }
}

SparseEntries LearningStep::encode(std::size_t layer) {
  return encode_all(layer);
}

double LearningStep::lowest_of(std::size_t layer, std::size_t count) {
  Selection selection(backend_, {.kind = SelectionKind::BatchTopK, .count = count}, tokens_,
                      shape_.features);
  Selection* const only = &selection;
  add_features(layer, std::span(&only, 1));
  const std::vector<double> kept = selection.finish().values;
  return kept.empty() ? 0.0 : *std::ranges::min_element(kept);
}

/// The sum of h over all tokens of every feature, from the sum of inputs.
void LearningStep::add_total(std::size_t layer) {
  Matrix sum = make_matrix(backend_, 1, shape_.d_in);
  store(column_sums(backend_, inputs_[layer]), sum.ref());
  Matrix total = make_matrix(backend_, 1, shape_.features);
  ops::linear(backend_, std::as_const(sum).ref(), weights(layer).w_enc, {}, total.ref());
  totals_[layer] = doubles_of(total.ref());
  const std::vector<double> bias = doubles_of(weights(layer).b_enc);
  for (std::size_t i = 0; i < bias.size(); ++i) {
    totals_[layer][i] += static_cast<double>(tokens_) * bias[i];
  }
}

void LearningStep::encode_layers() {
  for (std::size_t layer = 0; layer < shape_.layers; ++layer) {
    LayerCode code{.entries = encode_all(layer), .a = {}, .split = {}};
    code.a = activations(code.entries, {.recipe = &recipe_, .theta = theta_[layer]});
    code.split = reconstruction_.split(code.entries.pattern);
    codes_.push_back(std::move(code));
    if (recipe_.pre_activation.among != Among::None) {
      add_total(layer);
    }
  }
}

std::vector<LayerFigures> LearningStep::measure() {
  encode_layers();
  dead_ = dead_features();
  reconstruction_.forward(learner_.values_, codes_);
  std::vector<LayerFigures> out;
  for (std::size_t l = 0; l < shape_.layers; ++l) {
    const auto fired = std::ranges::count_if(codes_[l].a, [](double x) { return x != 0.0; });
    const auto dead = std::ranges::count(dead_of(l), std::uint8_t{1});
    out.push_back({.fvu = reconstruction_.squares(l, reconstruction_.prefixes() - 1) /
                          reconstruction_.variance(l),
                   .l0 = static_cast<double>(fired) / static_cast<double>(tokens_),
                   .dead = static_cast<std::size_t>(dead)});
  }
  return out;
}

void LearningStep::forward(LearnedStep& result) {
  dead_ = dead_features();
  encode_layers();
  count_fired();
  update_estimate();
  if (recipe_.dead.after_batch) {
    dead_ = dead_features();
  }
  result.dead = static_cast<std::size_t>(std::ranges::count(dead_, 1));
  reconstruction_.forward(learner_.values_, codes_);
  double squares = 0.0;
  double variance = 0.0;
  for (std::size_t m = 0; m < shape_.layers; ++m) {
    for (std::size_t g = 0; g < reconstruction_.prefixes(); ++g) {
      result.errors.push_back(reconstruction_.loss(m, g));
      result.loss += result.errors.back();
    }
    squares += reconstruction_.squares(m, reconstruction_.prefixes() - 1);
    variance += reconstruction_.variance(m);
  }
  result.fvu = squares / variance;
}

std::vector<std::uint8_t> LearningStep::dead_features() const {
  std::vector<std::uint8_t> out(learner_.since_fired_.size());
  std::ranges::transform(learner_.since_fired_, out.begin(), [&](std::int64_t since) {
    return static_cast<std::uint8_t>(since > recipe_.dead.window ? 1 : 0);
  });
  return out;
}

void LearningStep::count_fired() {
  const std::int64_t unit =
      recipe_.dead.unit == CountUnit::Steps ? 1 : static_cast<std::int64_t>(tokens_);
  for (std::int64_t& since : learner_.since_fired_) {
    since += unit;
  }
  for (std::size_t layer = 0; layer < shape_.layers; ++layer) {
    const LayerCode& code = codes_[layer];
    for (std::size_t e = 0; e < code.a.size(); ++e) {
      if (std::abs(code.a[e]) > recipe_.dead.fires_above) {
        learner_.since_fired_[layer * shape_.features + code.entries.pattern.columns[e]] = 0;
      }
    }
  }
}

/// Of the first layer: the estimate belongs to dictionaries of one.
std::optional<double> LearningStep::smallest_kept() const {
  const LayerCode& code = codes_.front();
  double sum = 0.0;
  double least = std::numeric_limits<double>::infinity();
  for (std::size_t t = 0; t < tokens_; ++t) {
    double own = std::numeric_limits<double>::infinity();
    for (std::size_t e = code.entries.pattern.starts[t]; e < code.entries.pattern.starts[t + 1];
         ++e) {
      const std::size_t i = code.entries.pattern.columns[e];
      own = std::min(own, code.a[e] * (recipe_.ranks_by_norm ? norms_.front()[i] : 1.0));
    }
    least = std::min(least, own);
    sum += own;
  }
  const double found = recipe_.estimate.mean_of_tokens ? sum / static_cast<double>(tokens_) : least;
  return std::isfinite(found) ? std::optional(found) : std::nullopt;
}

void LearningStep::update_estimate() {
  const EstimateOptions& o = recipe_.estimate;
  if (recipe_.code == CodeKind::BatchTopK) {
    for (std::size_t layer = 0; layer < shape_.layers; ++layer) {
      double least = std::numeric_limits<double>::infinity();
      for (std::size_t e = 0; e < codes_[layer].a.size(); ++e) {
        const std::size_t i = codes_[layer].entries.pattern.columns[e];
        least =
            std::min(least, codes_[layer].a[e] * (recipe_.ranks_by_norm ? norms_[layer][i] : 1));
      }
      learner_.hints_[layer] = std::isfinite(least) ? kHintMargin * least : 0.0;
    }
  }
  if (o.rate == 0.0 || learner_.t_ < o.first_step) {
    return;
  }
  if (const auto smallest = smallest_kept()) {
    if (o.begins_with_first && !learner_.estimate_) {
      learner_.estimate_ = smallest;
    } else {
      const double before = learner_.estimate_.value_or(0.0);
      learner_.estimate_ = (1.0 - o.rate) * before + o.rate * *smallest;
    }
  }
}

void LearningStep::backward(LearnedStep& result) {
  if (recipe_.auxiliary.coefficient != 0.0) {
    const std::size_t last = reconstruction_.prefixes() - 1;
    for (std::size_t g = recipe_.auxiliary.each_prefix ? 0 : last; g <= last; ++g) {
      const std::size_t begin = recipe_.auxiliary.each_prefix ? reconstruction_.begin(g) : 0;
      reconstruct_with_dead(g, begin, reconstruction_.end(g), result);
    }
  }
  reconstruction_.turn_to_gradients();
  for (std::size_t m = 0; m < shape_.layers; ++m) {
    backward_target(m);
  }
  for (std::size_t layer = 0; layer < shape_.layers; ++layer) {
    backward_layer(layer, result);
  }
  for (Auxiliary& part : auxiliaries_) {
    backward_auxiliary(part);
  }
  for (std::size_t layer = 0; layer < shape_.layers; ++layer) {
    store(db_enc_[layer], gradients(layer).b_enc);
    if (recipe_.subtracts_bias) {
      subtract_from_bias(layer);
    }
  }
  result.loss += result.sparsity + result.pre_activation + result.auxiliary;
}

void LearningStep::backward_target(std::size_t m) {
  const ConstMatRef whole = reconstruction_.whole_gradient(m);
  store(column_sums(backend_, whole), gradients(m).b_dec);
  if (shape_.skip) {
    ops::gemm(
        backend_,
        {.a = whole, .b = batch_.x[m], .out = gradients(m).w_skip, .transpose_a = Transpose::Yes});
  }
}

std::vector<double> LearningStep::backward_decoder(std::size_t layer,
                                                   const TransposedPattern& by_feature) {
  const LayerCode& code = codes_[layer];
  const auto own = weights(layer);
  std::vector<double> da(code.a.size(), 0.0);
  std::vector<double> dots(code.a.size());
  const std::vector<double> a = picked(code.a, by_feature.places);
  for (std::size_t m = layer; m < shape_.layers; ++m) {
    const ConstMatRef dy = reconstruction_.gradients(m);
    ops::sparse_dots(
        backend_, {.pattern = &code.split, .a = dy, .table = own.decoder(m - layer), .out = dots});
    std::ranges::transform(da, dots, da.begin(), std::plus<>());
    ops::sparse_product(backend_, {.pattern = &by_feature.pattern,
                                   .values = a,
                                   .table = dy,
                                   .out = gradients(layer).decoder(m - layer)});
  }
  return da;
}

void LearningStep::backward_layer(std::size_t layer, LearnedStep& result) {
  const LayerCode& code = codes_[layer];
  const TransposedPattern by_feature = transposed(code.split);
  const std::vector<double> da = backward_decoder(layer, by_feature);
  const CodeGradient back = code_gradient(code.entries, code.a, da,
                                          {.recipe = &recipe_,
                                           .t = learner_.t_,
                                           .theta = theta_[layer],
                                           .norms = norms_[layer],
                                           .dead = dead_of(layer),
                                           .total_h = totals_[layer],
                                           .penalty = learner_.penalty_.factor});
  result.sparsity += back.sparsity;
  result.pre_activation += back.pre_activation;
  result.l0 += static_cast<double>(std::ranges::count_if(code.a, [](double x) { return x != 0; })) /
               static_cast<double>(tokens_);
  if (!back.dnorm.empty()) {
    add_norm_gradient(layer, back.dnorm);
  }
  if (weights(layer).threshold) {
    store(back.dthreshold, gradients(layer).threshold);
  }
  db_enc_.push_back(sums_by_column(code.entries.pattern, back.dh));
  add_encoder_gradient(
      layer, reconstruction_.prefixes() == 1 ? by_feature : transposed(code.entries.pattern),
      back.dh, Accumulate::No);
  if (!back.everywhere.empty()) {
    add_gradient_everywhere(layer, back.everywhere);
  }
}

void LearningStep::add_norm_gradient(std::size_t layer, std::vector<double> dnorm) {
  for (std::size_t i = 0; i < dnorm.size(); ++i) {
    dnorm[i] = dnorm[i] == 0.0 ? 0.0 : dnorm[i] / norms_[layer][i];
  }
  add_rows(backend_, dnorm, weights(layer).w_dec, gradients(layer).w_dec);
}

void LearningStep::add_gradient_everywhere(std::size_t layer, std::span<const double> dh) {
  Matrix sum = make_matrix(backend_, 1, shape_.d_in);
  store(column_sums(backend_, inputs_[layer]), sum.ref());
  Matrix factors = make_matrix(backend_, shape_.features, 1);
  store(dh, factors.ref());
  ops::gemm(backend_, {.a = std::as_const(factors).ref(),
                       .b = std::as_const(sum).ref(),
                       .out = gradients(layer).w_enc,
                       .beta = 1.0});
  for (std::size_t i = 0; i < shape_.features; ++i) {
    db_enc_[layer][i] += dh[i] * static_cast<double>(tokens_);
  }
}

void LearningStep::add_encoder_gradient(std::size_t layer, const TransposedPattern& by_feature,
                                        std::span<const double> dh, Accumulate accumulate) {
  ops::sparse_product(backend_, {.pattern = &by_feature.pattern,
                                 .values = picked(dh, by_feature.places),
                                 .table = inputs_[layer],
                                 .out = gradients(layer).w_enc,
                                 .accumulate = accumulate});
}

/// h sees x - b_dec, so b_dec gets the sum over features of their bias's gradient times their row.
void LearningStep::subtract_from_bias(std::size_t layer) {
  const auto back = gradients(layer);
  ops::gemm(
      backend_,
      {.a = back.b_enc, .b = weights(layer).w_enc, .out = back.b_dec, .alpha = -1.0, .beta = 1.0});
}

}  // namespace cajal
