#include "model/config.h"

#include <cmath>

#include "base/error.h"

namespace cajal {
namespace {

constexpr std::size_t kMaxLayers = 4096;
constexpr std::size_t kMaxSize = 10'000'000;  // no published dimension comes near it

void check_size(std::string_view where, std::string_view name, std::size_t value,
                std::size_t limit = kMaxSize) {
  if (value == 0 || value > limit) {
    fail(ErrorCode::CorruptData, "{}: {} is {}, must be between 1 and {}", where, name, value,
         limit);
  }
}

void check_finite(std::string_view where, std::string_view name, double value) {
  if (!std::isfinite(value)) {
    fail(ErrorCode::CorruptData, "{}: {} is not a finite number", where, name);
  }
}

void check_not_negative(std::string_view where, std::string_view name, double value) {
  if (!(value >= 0.0) || !std::isfinite(value)) {
    fail(ErrorCode::CorruptData, "{}: {} is {}, must be a number that is not negative", where, name,
         value);
  }
}

/// Where a scaling's formula divides by a difference or a logarithm, that is not 0.
void check_scaling(const RopeConfig& rope, std::string_view where) {
  const bool llama3 = rope.scaling == RopeScaling::Llama3;
  if (llama3 && !(rope.low_freq_factor > 0.0 && rope.high_freq_factor > rope.low_freq_factor)) {
    fail(ErrorCode::CorruptData,
         "{}: low_freq_factor {} must be positive and below high_freq_factor {}", where,
         rope.low_freq_factor, rope.high_freq_factor);
  }
  if (rope.scaling == RopeScaling::Yarn &&
      !(rope.theta > 1.0 && rope.beta_fast > 0.0 && rope.beta_slow > 0.0)) {
    fail(
        ErrorCode::CorruptData,
        "{}: yarn needs rope_theta above 1 and positive beta_fast and beta_slow, not {}, {} and {}",
        where, rope.theta, rope.beta_fast, rope.beta_slow);
  }
  if (rope.scaling == RopeScaling::LongRope && !(rope.original_context > 1.0)) {
    fail(ErrorCode::CorruptData, "{}: original_max_position_embeddings is {}, must be above 1",
         where, rope.original_context);
  }
  constexpr double kMost = 1000.0;  // published ones lie near 1
  if (rope.attention_factor && !(*rope.attention_factor > 0.0 && *rope.attention_factor <= kMost)) {
    fail(ErrorCode::CorruptData, "{}: attention_factor is {}, must be above 0 and at most {}",
         where, *rope.attention_factor, kMost);
  }
}

void check_rope(const RopeConfig& rope, std::size_t d_head, std::string_view where) {
  if (rope.dims == 0 || rope.dims % 2 != 0 || rope.dims > d_head) {
    fail(ErrorCode::CorruptData,
         "{}: {} of {} columns of a head are rotated; must be an even number between 2 and that",
         where, rope.dims, d_head);
  }
  if (!(rope.theta > 0.0) || !std::isfinite(rope.theta) || !(rope.factor > 0.0) ||
      !std::isfinite(rope.factor)) {
    fail(ErrorCode::CorruptData, "{}: rope_theta {} and factor {} must be positive numbers", where,
         rope.theta, rope.factor);
  }
  const bool needs_original = rope.scaling == RopeScaling::Llama3 ||
                              rope.scaling == RopeScaling::Yarn ||
                              rope.scaling == RopeScaling::LongRope;
  if (needs_original && !(rope.original_context >= 1.0)) {
    fail(ErrorCode::CorruptData, "{}: original_max_position_embeddings is {}, must be at least 1",
         where, rope.original_context);
  }
  const bool has_short =
      rope.scaling == RopeScaling::LongRope || rope.scaling == RopeScaling::Divisors;
  const bool has_long = rope.scaling == RopeScaling::LongRope;
  const auto check_factors = [&](std::string_view name, const std::vector<double>& factors) {
    if (factors.size() != rope.dims / 2) {
      fail(ErrorCode::CorruptData, "{}: {} has {} entries, must have {} (half the rotated columns)",
           where, name, factors.size(), rope.dims / 2);
    }
    for (const double f : factors) {
      if (!(f > 0.0) || !std::isfinite(f)) {
        fail(ErrorCode::CorruptData, "{}: {} holds {}, must be positive numbers", where, name, f);
      }
    }
  };
  if (has_short) {
    check_factors("short_factor", rope.short_factor);
  }
  if (has_long) {
    check_factors("long_factor", rope.long_factor);
  }
}

void check_mixture(const MixtureConfig& m, std::string_view where) {
  check_size(where, "number of experts", m.experts, 65536);
  check_size(where, "experts per token", m.active, m.experts);
  check_size(where, "expert size", m.d_expert);
  check_finite(where, "swiglu_alpha", m.clamp_alpha);
  check_not_negative(where, "swiglu_limit", m.clamp_limit);
}

}  // namespace

void check_counts(const ModelConfig& c, std::string_view where) {
  check_size(where, "number of layers", c.layers, kMaxLayers);
  check_size(where, "number of heads", c.heads);
}

void validate(const ModelConfig& c, std::string_view where) {
  check_counts(c, where);
  check_size(where, "number of key/value heads", c.kv_heads);
  check_size(where, "hidden size", c.d_model);
  check_size(where, "head size", c.d_head);
  check_size(where, "vocabulary size", c.vocab);
  check_size(where, "context length", c.context, std::size_t{1} << 31U);
  if (c.heads % c.kv_heads != 0) {
    fail(ErrorCode::CorruptData, "{}: {} heads cannot share {} key/value heads evenly", where,
         c.heads, c.kv_heads);
  }
  if (c.heads * c.d_head > kMaxSize) {
    fail(ErrorCode::CorruptData, "{}: {} heads of {} columns are too many", where, c.heads,
         c.d_head);
  }
  if (c.mixture.experts != 0) {
    check_mixture(c.mixture, where);
  } else {
    check_size(where, "MLP size", c.d_mlp);
  }
  check_finite(where, "score scale", c.scale_of_scores());
  check_not_negative(where, "soft cap of scores", c.score_soft_cap);
  check_not_negative(where, "soft cap of logits", c.logit_soft_cap);
  check_not_negative(where, "clip_qkv", c.clip_qkv);
  check_finite(where, "embedding scale", c.embedding_scale);
  check_finite(where, "logit multiplier", c.logit_multiplier);
  check_finite(where, "residual multiplier", c.residual_multiplier);
  check_not_negative(where, "norm epsilon", c.norm_epsilon);
  if (c.layer.size() != c.layers) {
    fail(ErrorCode::CorruptData, "{}: describes the attention of {} layers, but there are {}",
         where, c.layer.size(), c.layers);
  }
  for (const RopeConfig& rope : c.ropes) {
    check_rope(rope, c.d_head, where);
    check_scaling(rope, where);
  }
}

}  // namespace cajal
