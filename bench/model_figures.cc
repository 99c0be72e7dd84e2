// Prefill, decode, decode while reading points, and the time from a cold object to the first token.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <iostream>
#include <numeric>

#include "base/error.h"
#include "base/parallel.h"
#include "figure.h"
#include "model/model.h"
#include "model/sampling.h"
#include "ops/cpu/limits.h"
#include "program.h"
#include "shapes.h"
#include "testing/files.h"
#include "testing/random_model.h"
#include "timing.h"

namespace cajal::bench {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kPrompt = 512;  // or what a smaller context leaves room for
constexpr std::size_t kDecode = 64;

Matrix feed(Backend& backend, const Model& model, std::span<const TokenId> tokens, KvCache& cache,
            Precision precision, const PointSet* points = nullptr) {
  const std::int32_t starts[] = {0, static_cast<std::int32_t>(tokens.size())};
  return model.forward(backend, {tokens, starts}, cache,
                       {.precision = precision, .points = points});
}

/// Root mean square of the difference over the spread of the first.
double distance(const Matrix& a, const Matrix& b) {
  const auto x = a.as<float>().row(0);
  const auto y = b.as<float>().row(0);
  const auto n = static_cast<double>(x.size());
  const double average = std::accumulate(x.begin(), x.end(), 0.0) / n;
  double spread = 0.0;
  double difference = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const auto u = static_cast<double>(x[i]);
    spread += (u - average) * (u - average);
    difference += (u - static_cast<double>(y[i])) * (u - static_cast<double>(y[i]));
  }
  return std::sqrt(difference / spread);
}

/// Two ways to the same logits may differ by rounding only. bf16 rounds activations to 8 bits at
/// every product; f32 and the split forms to 16 bits or more.
bool agrees(const Matrix& a, const Matrix& b, Precision precision) {
  return distance(a, b) < (precision == Precision::BF16 ? 0.1 : 2e-3);
}

struct Product {
  std::size_t k;
  std::size_t n;
  std::size_t times;  // in one pass
};

/// The products with weights of one token's pass, less the head, which prefill needs once.
std::vector<Product> products(const ModelConfig& c) {
  const std::size_t mlp_in = c.gated ? 2 : 1;
  return {{c.d_model, c.q_width(), c.layers},
          {c.d_model, c.kv_width(), 2 * c.layers},
          {c.q_width(), c.d_model, c.layers},
          {c.d_model, c.d_mlp, mlp_in * c.layers},
          {c.d_mlp, c.d_model, c.layers}};
}

/// Of the prompt: a multiple of 16, since a check feeds it in such pieces.
std::size_t prompt_length(const ModelConfig& config) {
  constexpr std::size_t kPiece = 16;
  const std::size_t room = config.context - std::min(config.context, kDecode);
  const std::size_t out = std::min(kPrompt, room / kPiece * kPiece);
  check(out >= 3 * kPiece, "a context of {} tokens is too short: the bench needs {} or more",
        config.context, kDecode + 3 * kPiece);
  return out;
}

/// Tokens a second if a prefill of `rows` tokens were nothing but oneDNN's best products of the
/// same shapes.
double prefill_limit(const ModelConfig& config, std::size_t rows, bool bf16, int rounds) {
  double seconds = 0.0;
  for (const Product& p : products(config)) {
    const double flop = 2.0 * static_cast<double>(rows * p.k * p.n * p.times);
    seconds += flop / onednn_gemm_rate(rows, p.k, p.n, bf16, rounds);
  }
  return static_cast<double>(rows) / seconds;
}

/// Bytes that one token must read: all weights once (of the tables only rows, unless the head is
/// one of them), and the cache of `before` tokens.
double bytes_per_token(const Model& model, std::size_t before) {
  const ModelConfig& c = model.config();
  auto bytes = static_cast<double>(model.weights().bytes);
  const auto table = [](ConstMatRef m) {
    return static_cast<double>(m.rows * m.cols * size_of(m.dtype));
  };
  bytes -= c.tied ? 0.0 : table(model.weights().embeddings);
  bytes -= c.learned_positions ? table(model.weights().positions) : 0.0;
  bytes += static_cast<double>(2 * c.layers * before * c.kv_width() * sizeof(float));
  return bytes;
}

class ModelBench {
 public:
  ModelBench(std::string group, fs::path path, const Options& options)
      : group_(std::move(group)),
        path_(std::move(path)),
        options_(options),
        backend_(make_cpu_backend()) {}

  std::vector<Figure> run() {
    model_ = Model::load(path_);
    prompt_ = prompt_of(prompt_length(model_->config()), model_->config().vocab);
    const Precision usual = model_->default_precision(*backend_);
    warm_up(usual);
    const bool stored_bf16 = model_->stored_dtype() == DType::BF16;
    prefill(Precision::F32, "prefill_f32_tokens_per_s");
    if (stored_bf16 && backend_->has(Precision::BF16)) {
      prefill(Precision::BF16, "prefill_bf16_tokens_per_s");
    }
    prefill(usual, "prefill_tokens_per_s");
    decode(usual);
    first_token(usual);
    process();
    return std::move(figures_);
  }

 private:
  void add(const std::string& name, double value, const std::string& unit, double limit,
           const std::string& limit_is, bool checked) {
    figures_.push_back({group_ + "/" + name, value, unit, limit, limit_is, checked});
  }

  /// As the programs of bench/peers do before they are timed: 32 tokens, then a few one by one.
  void warm_up(Precision precision) {
    KvCache cache(model_->config(), *backend_, 1);
    feed(*backend_, *model_, std::span(prompt_).first(32), cache, precision);
    for (std::size_t i = 32; i < 36; ++i) {
      feed(*backend_, *model_, std::span(prompt_).subspan(i, 1), cache, precision);
    }
  }

  void prefill(Precision precision, const std::string& name) {
    Matrix logits;
    const double seconds = best_seconds(options_.rounds, [&] {
      KvCache cache(model_->config(), *backend_, 1);
      logits = feed(*backend_, *model_, prompt_, cache, precision);
    });
    const Matrix again = in_few_rows(precision);
    const bool bf16 = precision != Precision::F32;
    add(name, static_cast<double>(prompt_.size()) / seconds, "tokens/s",
        prefill_limit(model_->config(), prompt_.size(), bf16, options_.rounds),
        bf16 ? "oneDNN bf16 products alone" : "oneDNN f32 products alone",
        agrees(logits, again, precision));
  }

  /// Logits after the prompt by other kernels than those timed: products of few rows have their
  /// own, up to 16 with weights of 16 bits, up to 4 with those of 32 in either order.
  Matrix in_few_rows(Precision precision) {
    KvCache cache(model_->config(), *backend_, 1);
    Matrix logits;
    const std::size_t few = size_of(model_->stored_dtype()) == 2 ? 16 : 4;
    for (std::size_t i = 0; i < prompt_.size(); i += few) {
      logits = feed(*backend_, *model_, std::span(prompt_).subspan(i, few), cache, precision);
    }
    return logits;
  }

  /// Seconds a token over kDecode greedy tokens after the prompt; their ids go to `ids`.
  double decode_seconds(Precision precision, const PointSet* points, std::vector<TokenId>& ids,
                        Matrix& logits) {
    KvCache cache(model_->config(), *backend_, 1);
    logits = feed(*backend_, *model_, prompt_, cache, precision);
    ids.clear();
    const double seconds = seconds_of([&] {
      for (std::size_t i = 0; i < kDecode; ++i) {
        ids.push_back(sample_token(logits.ref(), {}, {}, 0, i));
        logits = feed(*backend_, *model_, std::span(ids).last(1), cache, precision, points);
      }
    });
    return seconds / static_cast<double>(kDecode);
  }

  void decode(Precision precision) {
    std::vector<TokenId> ids;
    std::vector<TokenId> watched_ids;
    Matrix logits;
    Matrix watched_logits;
    PointSet points;
    // Reading is taking a copy, as `cajal points` does. A reader that works for more than a few
    // microseconds costs more than its work: the other threads fall asleep and have to be woken.
    std::vector<float> copy(model_->config().d_model);
    double sum = 0.0;
    for (std::size_t layer = 0; layer < model_->config().layers; ++layer) {
      for (const PointKind kind : {PointKind::ResidPost, PointKind::MlpOut}) {
        points.read({kind, layer}, [&](ConstMatRef value, const PointContext&) {
          const auto row = value.as<const float>().row(0);
          std::copy(row.begin(), row.end(), copy.begin());
          sum += static_cast<double>(copy.front());
        });
      }
    }
    double plain = 1e30;
    double watched = 1e30;
    double bandwidth = 0.0;
    for (int round = 0; round < options_.rounds; ++round) {  // in turn, so that noise hits all
      bandwidth = std::max(bandwidth, read_bandwidth(1));
      plain = std::min(plain, decode_seconds(precision, nullptr, ids, logits));
      watched = std::min(watched, decode_seconds(precision, &points, watched_ids, watched_logits));
    }
    const double limit = bandwidth / bytes_per_token(*model_, prompt_.size());
    add("decode_tokens_per_s", 1.0 / plain, "tokens/s", limit,
        "memory bandwidth over bytes per token",
        agrees(logits, prefilled(ids, precision), precision));
    const bool same = ids == watched_ids && distance(logits, watched_logits) == 0.0;
    add("decode_reading_points_tokens_per_s", 1.0 / watched, "tokens/s", 1.0 / plain,
        "decode without reading", same && std::isfinite(sum));
  }

  /// Logits after prompt and ids in one pass.
  Matrix prefilled(std::span<const TokenId> ids, Precision precision) {
    std::vector<TokenId> all = prompt_;
    all.insert(all.end(), ids.begin(), ids.end());
    KvCache cache(model_->config(), *backend_, 1);
    return feed(*backend_, *model_, all, cache, precision);
  }

  void first_token(Precision precision) {
    Matrix logits;
    const std::span<const TokenId> start = std::span(prompt_).first(8);
    const double seconds = best_seconds(options_.rounds, [&] {
      const auto fresh = Model::load(path_);
      const auto backend = make_cpu_backend();
      KvCache cache(fresh->config(), *backend, 1);
      logits = feed(*backend, *fresh, start, cache, precision);
    });
    KvCache cache(model_->config(), *backend_, 1);
    const Matrix want = feed(*backend_, *model_, start, cache, precision);
    const double limit = static_cast<double>(model_->weights().bytes) / read_bandwidth(2);
    add("load_to_first_token_s", seconds, "s", limit, "reading the weights once",
        agrees(want, logits, precision));
  }

  /// The same from a process that has yet to start, its end included.
  void process() {
    const std::optional<fs::path> program = sibling_program("cajal");
    if (!program) {
      std::cerr << "cajal-bench: there is no cajal beside this program, so " << group_
                << "/process_to_first_token_s is left out\n";
      return;
    }
    const std::vector<std::string> command = {
        program->string(), "generate", "-m", path_.string(), "--ids",
        "1,2,3,4,5,6,7,8", "-n",       "1",  "-t",           std::to_string(threads())};
    bool good = true;
    const double seconds =
        best_seconds(options_.rounds, [&] { good = run_program(command) == 0 && good; });
    const double limit = static_cast<double>(model_->weights().bytes) / read_bandwidth(2);
    add("process_to_first_token_s", seconds, "s", limit, "reading the weights once", good);
  }

  std::string group_;
  fs::path path_;
  const Options& options_;
  std::unique_ptr<Backend> backend_;
  std::shared_ptr<const Model> model_;
  std::vector<TokenId> prompt_;
  std::vector<Figure> figures_;
};

}  // namespace

std::vector<Figure> model_figures(const Options& options) {
  if (!options.model.empty()) {
    const fs::path path(options.model);
    return ModelBench(path.filename().string(), path, options).run();
  }
  std::vector<Figure> out;
  for (const Shape& shape : shapes()) {
    if (!fits(shape.name, options)) {
      continue;
    }
    const testing::TemporaryFolder folder;
    testing::write_random_model(folder.path(), shape.config);
    const std::vector<Figure> figures = ModelBench(shape.name, folder.path(), options).run();
    out.insert(out.end(), figures.begin(), figures.end());
  }
  return out;
}

}  // namespace cajal::bench
