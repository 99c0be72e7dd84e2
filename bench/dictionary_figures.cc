// Learning a dictionary on activations from memory: d 768, 24,576 features, k 32, 4096 tokens a
// step, beside what the encoder's product alone would allow.
#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "base/random.h"
#include "figure.h"
#include "ops/cpu/limits.h"
#include "timing.h"
#include "train/dictionary/learn.h"

namespace cajal::bench {
namespace {

constexpr std::size_t kWidth = 768;
constexpr std::size_t kFeatures = 24576;
constexpr std::size_t kTokens = 4096;
constexpr std::size_t kActive = 32;
constexpr std::size_t kAtoms = 8192;
constexpr std::size_t kBatches = 4;

/// Rows that are sums of a few of many directions, with a little noise, about root d long.
Matrix activations() {
  std::array<float, 8191> numbers;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    numbers[i] = static_cast<float>(random_normal(1, 1, i));
  }
  Matrix out = Matrix::host(kBatches * kTokens, kWidth, DType::F32);
  const auto rows = out.as<float>();
  for (std::size_t r = 0; r < rows.rows; ++r) {
    for (std::size_t c = 0; c < kWidth; ++c) {
      rows.at(r, c) = 0.05F * numbers[(r * kWidth + c) % numbers.size()];
    }
    for (std::uint64_t a = 0; a < 16; ++a) {
      // The root of a uniform number: some directions are far more frequent than others.
      const double u = random_uniform(2, a, r);
      const auto atom = static_cast<std::size_t>(u * u * static_cast<double>(kAtoms));
      for (std::size_t c = 0; c < kWidth; ++c) {
        rows.at(r, c) += 0.25F * numbers[(atom * 977 + c) % numbers.size()];
      }
    }
  }
  return out;
}

class DictionaryBench {
 public:
  explicit DictionaryBench(const Options& options)
      : options_(options), data_(activations()), bf16_(backend_->has(Precision::BF16)) {
    recipe_ = {.code = CodeKind::TopK,
               .k = kActive,
               .ranks_by_norm = true,
               .auxiliary = {.coefficient = 0.03125, .relu = false, .partial = true},
               .dead = {.unit = CountUnit::Steps, .window = 1000},
               .schedule = {.peak = 3e-4, .steps = 1000},
               .precision = bf16_ ? Precision::BF16 : Precision::F32};
    learner_ = std::make_unique<DictionaryLearner>(
        *backend_, shape_, recipe_, fresh_dictionary(shape_, recipe_, true, 0.0, DType::F32, 1));
  }

  std::vector<Figure> run() {
    LearnedStep last = step(0);
    const double first_loss = last.loss;
    double best = 1e30;
    for (int i = 0; i < std::max(options_.rounds, 3); ++i) {
      best = std::min(best, seconds_of([&] { last = step(static_cast<std::size_t>(i) + 1); }));
    }
    const double flop = 2.0 * static_cast<double>(kWidth * kFeatures);
    const double limit =
        onednn_gemm_rate(kTokens, kWidth, kFeatures, bf16_, options_.rounds) / flop;
    const bool right = last.finite && last.loss < first_loss && chooses_right();
    return {
        {"dictionary/topk_tokens_per_s", static_cast<double>(kTokens) / best, "tokens/s", limit,
         fmt::format("the encoder's product alone, oneDNN {}", bf16_ ? "bf16" : "f32"), right},
        {"dictionary/dead_features", static_cast<double>(last.dead), "features", 0.0, "", right}};
  }

 private:
  LearnedStep step(std::size_t i) {
    const std::vector<ConstMatRef> rows = {
        std::as_const(data_).ref().row_range(i % kBatches * kTokens, kTokens)};
    return learner_->step({.x = rows, .y = rows});
  }

  /// What is chosen for some tokens against products in double.
  bool chooses_right() {
    const ConstMatRef x = std::as_const(data_).ref().row_range(0, 8);
    const SparseEntries entries = learner_->encode(0, x);
    const auto own = layer_of(std::as_const(*learner_).values(), shape_, 0);
    bool right = entries.pattern.stored() == 8 * kActive;
    for (std::size_t e = 0; e < entries.values.size(); e += 7) {
      const std::size_t row = e / kActive;
      const std::size_t feature = entries.pattern.columns[e];
      double h = element(own.b_enc, 0, feature);
      double size = 0.0;
      for (std::size_t c = 0; c < kWidth; ++c) {
        const double term =
            (element(x, row, c) - element(own.b_dec, 0, c)) * element(own.w_enc, feature, c);
        h += term;
        size += std::abs(term);
      }
      right = right && std::abs(entries.values[e] - h) <= (bf16_ ? 0x1p-7 : 1e-5) * size;
    }
    return right;
  }

  const Options& options_;
  std::unique_ptr<Backend> backend_ = make_cpu_backend();
  Matrix data_;
  bool bf16_;
  DictionaryShape shape_ = {.features = kFeatures, .d_in = kWidth, .d_out = kWidth};
  DictionaryRecipe recipe_;
  std::unique_ptr<DictionaryLearner> learner_;
};

}  // namespace

std::vector<Figure> dictionary_figures(const Options& options) {
  if (options.filter.empty() ||
      std::string("dictionary").find(options.filter) == std::string::npos) {
    return {};
  }
  return DictionaryBench(options).run();
}

}  // namespace cajal::bench
