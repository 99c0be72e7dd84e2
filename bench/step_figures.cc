// Whole steps of training a model of the specimen's shape: loss, gradients, AdamW, packing.
#include <cmath>

#include <fmt/format.h>

#include "base/random.h"
#include "figure.h"
#include "model/architecture.h"
#include "ops/cpu/limits.h"
#include "timing.h"
#include "train/trainer.h"

namespace cajal::bench {
namespace {

// bench/peers/train_torch.py makes the same batch and the same model.
constexpr std::size_t kStepTokens = 8192;
constexpr std::size_t kStepDocument = 64;

Architecture specimen() {
  return {.layers = 8,
          .heads = 6,
          .d_model = 192,
          .d_head = 32,
          .d_mlp = 512,
          .vocab = 3000,
          .context = 256,
          .tied = false};
}

PackedBatch batch() {
  TokenizedTexts texts(Framing{1, 2, 256});
  for (std::size_t d = 0; d < kStepTokens / kStepDocument; ++d) {
    std::vector<TokenId> ids = {1};
    for (std::size_t i = 1; i < kStepDocument; ++i) {
      ids.push_back(static_cast<TokenId>(random_bits(1, d, i) % 3000));
    }
    texts.add_document(ids);
  }
  std::uint64_t next = 0;
  return pack(texts, next, {.tokens = kStepTokens});
}

/// Of one token, forward and back: six for each weight that multiplies it, and what attention over
/// half a document takes.
double flop_per_token(const Architecture& a) {
  const double d = static_cast<double>(a.d_model);
  const double layer = 4.0 * d * d + 3.0 * d * static_cast<double>(a.d_mlp);
  const double weights = static_cast<double>(a.layers) * layer + d * static_cast<double>(a.vocab);
  const double attention = static_cast<double>(a.layers) * 2.0 * d * kStepDocument / 2.0;
  return 6.0 * (weights + attention);
}

}  // namespace

std::vector<Figure> step_figures(const Options& options) {
  if (!fits("training-step", options)) {
    return {};
  }
  const bool bf16 = make_cpu_backend()->has(Precision::BF16);
  const Precision precision = bf16 ? Precision::BF16 : Precision::F32;
  Trainer trainer(
      make_cpu_backend, model_config(specimen()), 1,
      {.schedule = {.peak = 1e-3, .decay = Decay::None}, .passes = {.precision = precision}});
  const PackedBatch one = batch();
  const double first = trainer.step(std::span(&one, 1)).loss;
  double last = first;
  const double seconds =
      best_seconds(options.rounds, [&] { last = trainer.step(std::span(&one, 1)).loss; });
  const double limit = onednn_gemm_rate(2048, 2048, 2048, bf16, options.rounds);
  // Random tokens: a fresh model knows nothing, and learns this batch by heart.
  const bool right = std::abs(first - std::log(3000.0)) < 0.2 && last < first;
  return {{fmt::format("training-step/{}_tokens_per_s", name_of(precision)),
           static_cast<double>(kStepTokens) / seconds, "tokens/s",
           limit / flop_per_token(specimen()),
           fmt::format("oneDNN {}, 2048 cubed, at {:.1f} MFLOP a token", name_of(precision),
                       flop_per_token(specimen()) / 1e6),
           right}};
}

}  // namespace cajal::bench
