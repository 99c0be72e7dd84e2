// Learning a dictionary on activations from memory, beside what the encoder's product alone would
// allow: d 768 with 24,576 features, and d 256 with a million, k 32, 4096 tokens a step.
#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "base/random.h"
#include "figure.h"
#include "io/safetensors.h"
#include "ops/cpu/limits.h"
#include "peak_memory.h"
#include "timing.h"
#include "train/dictionary/learn.h"

namespace cajal::bench {
namespace {

constexpr std::size_t kBatchTokens = 4096;
constexpr std::size_t kActive = 32;
constexpr std::size_t kAtoms = 8192;
constexpr std::size_t kBatches = 4;
// Of the products of which the fastest sets the limit.
constexpr std::array<std::size_t, 6> kLimitColumns = {128, 256, 512, 1024, 4096, 24576};
constexpr double kMachine = 24.0;  // GiB that a million features have to fit

/// Rows that are sums of a few of many directions, with a little noise, about root d long.
Matrix activations(std::size_t width) {
  std::array<float, 8191> numbers;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    numbers[i] = static_cast<float>(random_normal(1, 1, i));
  }
  Matrix out = Matrix::host(kBatches * kBatchTokens, width, DType::F32);
  const auto rows = out.as<float>();
  for (std::size_t r = 0; r < rows.rows; ++r) {
    for (std::size_t c = 0; c < width; ++c) {
      rows.at(r, c) = 0.05F * numbers[(r * width + c) % numbers.size()];
    }
    for (std::uint64_t a = 0; a < 16; ++a) {
      // The root of a uniform number: some directions are far more frequent than others.
      const double u = random_uniform(2, a, r);
      const auto atom = static_cast<std::size_t>(u * u * static_cast<double>(kAtoms));
      for (std::size_t c = 0; c < width; ++c) {
        rows.at(r, c) += 0.25F * numbers[(atom * 977 + c) % numbers.size()];
      }
    }
  }
  return out;
}

class DictionaryBench {
 public:
  DictionaryBench(const Options& options, std::string group, std::size_t width,
                  std::size_t features)
      : options_(options),
        group_(std::move(group)),
        data_(activations(width)),
        bf16_(backend_->has(Precision::BF16)),
        shape_{.features = features, .d_in = width, .d_out = width} {
    recipe_ = {.code = CodeKind::TopK,
               .k = kActive,
               .ranks_by_norm = true,
               .auxiliary = {.coefficient = 0.03125, .relu = false, .partial = true},
               .dead = {.unit = CountUnit::Steps, .window = 1000},
               .schedule = {.peak = 3e-4, .steps = 1000},
               .precision = bf16_ ? Precision::BF16 : Precision::F32};
    learner_ = std::make_unique<DictionaryLearner>(
        *backend_, shape_, recipe_, fresh_dictionary(shape_, recipe_, true, 0.0, DType::F32, 1));
    first_fvu_ = step(0).fvu;
  }

  std::vector<Figure> rates() {
    const Figure rate = timed("topk_tokens_per_s");
    return {rate,
            {group_ + "dead_features", static_cast<double>(last_.dead), "features", 0.0, "",
             rate.checked}};
  }

  /// As it is when three of four features have not fired for long: AuxK goes through them all.
  Figure rate_mostly_dead() {
    const auto since = learner_->since_fired();
    for (std::size_t i = 0; i < since.size(); ++i) {
      since[i] = i % 4 == 0 ? 0 : 1'000'000;
    }
    return timed("mostly_dead_tokens_per_s");
  }

 private:
  Figure timed(const std::string& name) {
    double best = 1e30;
    for (int i = 0; i < std::max(options_.rounds, 3); ++i) {
      best = std::min(best, seconds_of([&] { last_ = step(static_cast<std::size_t>(i) + 1); }));
    }
    const double flop = 2.0 * static_cast<double>(shape_.d_in * shape_.features);
    const double limit = best_product() / flop;
    const bool right = last_.finite && last_.fvu < first_fvu_ && chooses_right();
    return {group_ + name,
            static_cast<double>(kBatchTokens) / best,
            "tokens/s",
            limit,
            fmt::format("the encoder's product alone in the best blocks of columns, oneDNN {}",
                        bf16_ ? "bf16" : "f32"),
            right};
  }

  /// Over all columns at once, and over blocks of them: where rows are short, a result that is
  /// written to memory takes longer than what it is computed from.
  double best_product() const {
    double best = 0.0;
    for (const std::size_t columns : kLimitColumns) {
      best = std::max(best, onednn_gemm_rate(kBatchTokens, shape_.d_in, columns, bf16_,
                                             std::max(options_.rounds, 5)));
    }
    return best;
  }

  LearnedStep step(std::size_t i) {
    const std::vector<ConstMatRef> rows = {
        std::as_const(data_).ref().row_range(i % kBatches * kBatchTokens, kBatchTokens)};
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
      for (std::size_t c = 0; c < shape_.d_in; ++c) {
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
  std::string group_;
  std::unique_ptr<Backend> backend_ = make_cpu_backend();
  Matrix data_;
  bool bf16_;
  DictionaryShape shape_;
  DictionaryRecipe recipe_;
  std::unique_ptr<DictionaryLearner> learner_;
  LearnedStep last_;
  double first_fvu_ = 0.0;
};

/// Fresh ones, or with a file's tensor "start" as encoder and decoder: [features, d].
Parameters start_of(const Safetensors& file, const DictionaryShape& shape,
                    const DictionaryRecipe& recipe) {
  Parameters out = fresh_dictionary(shape, recipe, true, 0.0, DType::F32, 1);
  if (const StoredTensor* start = file.find("start")) {
    const ConstMatRef rows = as_matrix(*start);
    check(rows.rows == shape.features && rows.cols == shape.d_in, "start is {} by {}, not {} by {}",
          rows.rows, rows.cols, shape.features, shape.d_in);
    const DictionaryViews<MatRef> own = layer_of(out, shape, 0);
    store(doubles_of(rows), own.w_enc);
    store(doubles_of(rows), own.w_dec);
  }
  return out;
}

/// How well an SAE of 4,096 features with k 16 reconstructs rows "heldout" of a file after each row
/// "x" of it was learned from once, in order, by SAELens's recipe; both tensors are [rows, d].
Figure figure_of_file(const Options& options) {
  const auto file = Safetensors::open(options.activations);
  const ConstMatRef x = as_matrix(file->at("x"));
  const ConstMatRef heldout = as_matrix(file->at("heldout"));
  const DictionaryShape shape = {.features = 4096, .d_in = x.cols, .d_out = x.cols};
  const DictionaryRecipe recipe = {.code = CodeKind::TopK,
                                   .k = 16,
                                   .ranks_by_norm = true,
                                   .schedule = {.peak = 3e-4, .steps = x.rows / kBatchTokens}};
  const auto backend = make_cpu_backend();
  DictionaryLearner learner(*backend, shape, recipe, start_of(*file, shape, recipe));
  bool right = true;
  for (std::size_t i = 0; i < recipe.schedule.steps; ++i) {
    const std::vector<ConstMatRef> rows = {x.row_range(i * kBatchTokens, kBatchTokens)};
    right = learner.step({.x = rows, .y = rows}).finite && right;
  }
  const std::vector<ConstMatRef> rows = {heldout};
  const double fvu = learner.measure({.x = rows, .y = rows}).front().fvu;
  return {"dictionary-file/heldout_fvu", fvu, "", 0.0, "", right && fvu > 0.0 && fvu < 1.0};
}

std::vector<Figure> million_figures(const Options& options) {
  const PeakMemory memory;
  DictionaryBench bench(options, "dictionary-million/", 256, std::size_t{1} << 20U);
  std::vector<Figure> out = bench.rates();
  out.push_back(bench.rate_mostly_dead());
  out.push_back({"dictionary-million/peak_anonymous_gib", memory.peak() / 0x1p30, "GiB", kMachine,
                 "the memory of the machine that it has to fit", out.back().checked});
  return out;
}

}  // namespace

std::vector<Figure> dictionary_figures(const Options& options) {
  if (!options.activations.empty()) {
    return {figure_of_file(options)};
  }
  if (options.filter == "dictionary-million") {
    return million_figures(options);
  }
  if (options.filter.empty() || !fits("dictionary", options)) {
    return {};
  }
  return DictionaryBench(options, "dictionary/", 768, 24576).rates();
}

}  // namespace cajal::bench
