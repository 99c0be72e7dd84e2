#include "model/backward/backward_pass.h"

#include <cstring>

#include "base/error.h"

namespace cajal {
namespace {

struct TapeFacts {
  bool mlps_kept = false;
  bool rounded = false;
  bool one_sequence = false;
  bool hides = false;  // tokens from later ones
};

void check_options(const Backend& backend, const Tape& tape, const Model& model,
                   const BackwardOptions& options, const TapeFacts& facts) {
  const auto [mlps_kept, rounded, one_sequence, hides] = facts;
  check(options.seeds >= 1, "a backward pass needs at least one seed");
  check(options.gradients == nullptr || options.seeds == 1,
        "gradients of parameters are of one seed, not of {}", options.seeds);
  check(options.freeze.mlps || mlps_kept,
        "the tape keeps nothing of MLPs, so they have to be frozen");
  check(!rounded || (options.precision == Precision::BF16 && options.points == nullptr),
        "the tape is rounded to bf16: walk back with that precision and without points");
  check(!hides || !options.freeze.patterns,
        "patterns cannot be frozen where tokens are hidden from later ones");
  check(options.prefix <= tape.rows(), "a prefix of {} rows, but the tape has {}", options.prefix,
        tape.rows());
  check(options.prefix == 0 || (options.freeze.mlps && options.freeze.patterns &&
                                options.freeze.denominators && one_sequence),
        "gradients of a prefix need everything frozen and one sequence");
  check(!options.dlogits || options.prefix == 0 || tape.logit_rows().empty() ||
            static_cast<std::size_t>(tape.logit_rows().back()) < options.prefix,
        "dlogits has rows beyond a prefix of {} rows", options.prefix);
  const std::size_t rows = options.seeds * tape.logit_rows().size();
  check(!options.dlogits ||
            (options.dlogits.rows == rows && options.dlogits.cols == model.config().vocab),
        "dlogits is [{}, {}]; expected [{}, {}]", options.dlogits.rows, options.dlogits.cols, rows,
        model.config().vocab);
  check(!options.dlogits || rounded || options.dlogits.dtype == backend.activation_dtype(),
        "dlogits holds {}; the backend '{}' computes on {}", name_of(options.dlogits.dtype),
        backend.name(), name_of(backend.activation_dtype()));
  if (!options.freeze.mlps && model.config().mixture.experts != 0) {
    fail(ErrorCode::Unsupported,
         "gradients through mixtures of experts ({}) are not supported; freeze the MLPs",
         model.config().family);
  }
}

}  // namespace

void backward(Backend& backend, const Model& model, Tape& tape, const BackwardOptions& options) {
  BackwardPass(backend, model, tape, options).run();
}

BackwardPass::BackwardPass(Backend& backend, const Model& model, Tape& tape,
                           const BackwardOptions& options)
    : backend_(backend),
      config_(model.config()),
      weights_(model.weights()),
      tape_(tape),
      arena_(tape.arena_),
      options_(options),
      places_(options.gradients == nullptr ? nullptr : &options.gradients->weights()) {
  check(tape.layers_.size() == config_.layers, "the tape holds no pass of this model");
  check_options(backend, tape, model, options,
                {.mlps_kept = tape.options_.mlps,
                 .rounded = tape.rounded_,
                 .one_sequence = tape.layout_.segments.size() == 1,
                 .hides = !tape.seen_until_.empty()});
  check_points();
}

void BackwardPass::run() {
  const ArenaScope scope(arena_);
  residual_ = {make(config_.d_model), tape_.rounded_ ? make_input(config_.d_model) : MatRef()};
  final_back();
  const std::size_t lowest = lowest_layer();
  for (std::size_t layer = config_.layers; layer-- > lowest;) {
    if (residual_.live || edits_in(layer)) {
      layer_back(layer);
    }
  }
  if (lowest == 0) {
    embeddings_back();
  }
}

MatRef BackwardPass::make_zeros(std::size_t rows, std::size_t cols) {
  const MatRef out = arena_.make(rows, cols);
  std::memset(out.data, 0, rows * cols * size_of(out.dtype));
  return out;
}

MatRef BackwardPass::make_input(std::size_t cols) {
  return arena_.make(seeds() * rows(), cols,
                     tape_.rounded_ ? DType::BF16 : backend_.activation_dtype());
}

ConstMatRef BackwardPass::as_input(const Gradient& gradient) {
  if (!tape_.rounded_ || gradient.value.dtype == DType::BF16) {
    return gradient.value;
  }
  if (gradient.rounded) {
    return gradient.rounded;
  }
  const MatRef out = arena_.make(gradient.value.rows, gradient.value.cols, DType::BF16);
  ops::round_to_bf16(backend_, gradient.value, out);
  return out;
}

void BackwardPass::project_back(const Projection& projection, ConstMatRef dout, MatRef din,
                                Into how) {
  ops::gemm(backend_, {.a = dout,
                       .b = projection.weight,
                       .out = din,
                       .transpose_b = projection.input_major ? Transpose::Yes : Transpose::No,
                       .beta = how == Into::Add ? 1.0 : 0.0,
                       .precision = options_.precision});
}

void BackwardPass::add_gradient(const Projection& place, ConstMatRef in, ConstMatRef dout) {
  ops::gemm(backend_, {.a = place.input_major ? in : dout,
                       .b = place.input_major ? dout : in,
                       .out = options_.gradients->at(place.weight),
                       .transpose_a = Transpose::Yes,
                       .beta = 1.0,
                       .precision = options_.precision});
  if (place.bias) {
    ops::add_column_sums(backend_, dout, options_.gradients->at(place.bias));
  }
}

void BackwardPass::normalize_back(NormVjpArgs args, const NormWeights& norm,
                                  const NormWeights* place) {
  args.gain = norm.gain;
  args.frozen_scale = options_.freeze.denominators;
  args.gain_offset = config_.norm_gain_offset;
  args.epsilon = config_.norm_epsilon;
  if (place != nullptr && place->gain) {
    args.dgain = options_.gradients->at(place->gain);
  }
  if (place != nullptr && place->bias) {
    args.dbias = options_.gradients->at(place->bias);
  }
  for (std::size_t seed = 0; seed < seeds(); ++seed) {
    NormVjpArgs one = args;
    one.dy = of_seed(args.dy, seed);
    one.in = args.in.row_range(0, one.dy.rows);
    one.add = args.add ? of_seed(args.add, seed) : args.add;
    one.dx = of_seed(args.dx, seed);
    one.rounded_dx = args.rounded_dx ? of_seed(args.rounded_dx, seed) : args.rounded_dx;
    ops::normalize_vjp(backend_, one);
  }
}

void BackwardPass::into_residual(const NormWeights& norm, const NormWeights* place, ConstMatRef in,
                                 MatRef dout) {
  residual_.live = true;
  if (config_.norm_before) {
    normalize_back({.in = in,
                    .dy = dout,
                    .add = residual_.value,
                    .dx = residual_.value,
                    .rounded_dx = residual_.rounded,
                    .kind = config_.norm},
                   norm, place);
    return;
  }
  ops::add_scaled(backend_, residual_.value, dout, 1.0, residual_.value);
  if (residual_.rounded) {
    ops::round_to_bf16(backend_, residual_.value, residual_.rounded);
  }
}

BackwardPass::Gradient BackwardPass::finish_branch(std::size_t layer, const Branch& branch,
                                                   Gradient gradient) {
  const bool changed = config_.branch_is_changed();
  if (changed || edits(branch.out, layer)) {
    const MatRef own = make(config_.d_model);  // the residual's own gradient must not change
    backend_.copy(gradient.value, own);
    gradient = {.value = own, .live = gradient.live};
  }
  if (changed) {
    at(branch.post, layer, gradient);
  }
  if (config_.residual_multiplier != 1.0) {
    ops::scale(backend_, gradient.value, config_.residual_multiplier, gradient.value);
  }
  if (config_.norm_after) {
    normalize_back(
        {.in = branch.norm_in, .dy = gradient.value, .dx = gradient.value, .kind = config_.norm},
        *branch.post_norm, branch.place);
  }
  at(branch.out, layer, gradient);
  return gradient;
}

void BackwardPass::logits_back(MatRef dfinal) {
  MatRef d = options_.dlogits;
  if (!d) {
    d = make_zeros(dfinal.rows, config_.vocab);
  }
  at_final(PointKind::Logits, d);
  if (config_.logit_soft_cap != 0.0) {
    for (std::size_t seed = 0; seed < seeds(); ++seed) {
      const MatRef own = of_seed(d, seed);
      ops::soft_cap_vjp(backend_, tape_.logits_.row_range(0, own.rows), config_.logit_soft_cap, own,
                        own);
    }
  }
  if (config_.logit_multiplier != 1.0) {
    ops::scale(backend_, d, config_.logit_multiplier, d);
  }
  if (config_.logits_are_changed()) {
    at_final(PointKind::LogitsPresoftcap, d);
  }
  const ConstMatRef rounded = as_input(d);
  project_back(weights_.head, rounded, dfinal);
  if (places_ != nullptr) {
    add_gradient(places_->head, tape_.final_, rounded);
  }
}

void BackwardPass::final_back() {
  const std::size_t picks = logit_rows().size();
  const bool from_logits =
      options_.dlogits || edits(PointKind::Logits, 0) || edits(PointKind::LogitsPresoftcap, 0);
  residual_.live = picks != 0 && (from_logits || edits(PointKind::FinalNorm, 0));
  const bool everywhere = residual_.live && picks == rows();
  if (!everywhere) {
    std::memset(residual_.value.data, 0,
                residual_.value.rows * config_.d_model * size_of(residual_.value.dtype));
  }
  if (!residual_.live) {
    return;
  }
  const ArenaScope scope(arena_);
  const MatRef d = make_zeros(seeds() * picks, config_.d_model);
  if (from_logits) {
    logits_back(d);
  }
  at_final(PointKind::FinalNorm, d);
  const NormWeights* place = places_ == nullptr ? nullptr : &places_->final_norm;
  normalize_back({.in = tape_.final_in_,
                  .dy = d,
                  .dx = everywhere ? residual_.value : d,
                  .rounded_dx = everywhere ? residual_.rounded : MatRef(),
                  .kind = config_.norm},
                 weights_.final_norm, place);
  if (everywhere) {
    return;
  }
  const std::vector<double> ones(picks, 1.0);
  for (std::size_t seed = 0; seed < seeds(); ++seed) {
    ops::scatter_add(backend_, of_seed(d, seed), logit_rows(), ones,
                     of_seed(residual_.value, seed));
  }
  if (residual_.rounded) {
    ops::round_to_bf16(backend_, residual_.value, residual_.rounded);
  }
}

void BackwardPass::layer_back(std::size_t layer) {
  at(PointKind::ResidPost, layer, residual_);
  const ArenaScope scope(arena_);
  if (config_.parallel) {  // both branches start from the same gradient
    const Gradient both = {make(config_.d_model), {}, residual_.live};
    backend_.copy(residual_.value, both.value);
    mlp_back(layer, both);
    attention_back(layer, both);
  } else {
    mlp_back(layer, residual_);
    at(PointKind::ResidMid, layer, residual_);
    attention_back(layer, residual_);
  }
  at(PointKind::ResidPre, layer, residual_);
}

void BackwardPass::embeddings_back() {
  at(PointKind::Embeddings, 0, residual_);
  if (places_ == nullptr) {
    return;
  }
  const std::vector<double> factors(rows(), config_.embedding_scale);
  ops::scatter_add(backend_, residual_.value, tape_.tokens_, factors,
                   options_.gradients->at(places_->embeddings));
  if (config_.learned_positions) {
    std::vector<std::int32_t> positions = tape_.layout_.positions;
    for (std::int32_t& position : positions) {
      position += static_cast<std::int32_t>(config_.position_offset);
    }
    const std::vector<double> ones(rows(), 1.0);
    ops::scatter_add(backend_, residual_.value, positions, ones,
                     options_.gradients->at(places_->positions));
  }
}

}  // namespace cajal
