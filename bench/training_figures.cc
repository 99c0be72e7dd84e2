// What a step of training is made of, at the shapes of the specimen: products forward and back,
// attention and its gradient over packed documents, the loss, the optimiser.
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "base/random.h"
#include "figure.h"
#include "ops/backend.h"
#include "ops/cpu/limits.h"
#include "timing.h"

namespace cajal::bench {
namespace {

constexpr std::size_t kRows = 8192;     // tokens of a step
constexpr std::size_t kModel = 192;     // d_model
constexpr std::size_t kHeads = 6;       // of 32 columns
constexpr std::size_t kDocument = 100;  // tokens of a document, about the mean
constexpr std::size_t kVocab = 3000;
constexpr std::size_t kParameters = std::size_t{1} << 23U;  // beyond any cache
constexpr double kEpsilon = 0x1p-24;

/// A few normal numbers over and over: making millions of them takes longer than what is measured.
Matrix normal(std::size_t rows, std::size_t cols, DType dtype, std::uint64_t stream) {
  std::array<float, 4099> numbers;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    numbers[i] = static_cast<float>(random_normal(1, stream, i));
  }
  Matrix floats = Matrix::host(rows, cols, DType::F32);
  const auto view = floats.as<float>();
  for (std::size_t i = 0; i < rows * cols; ++i) {
    view.data[i] = numbers[i % numbers.size()];
  }
  Matrix out = Matrix::host(rows, cols, dtype);
  convert(floats.ref(), out.ref());
  return out;
}

/// A product of a step: weights [out, in].
struct Weights {
  std::size_t in = 0;
  std::size_t out = 0;
  std::size_t times = 0;  // in one step: layers times uses
};

constexpr Weights kWeights[] = {
    {kModel, kModel, 32}, {kModel, 512, 16}, {512, kModel, 8}, {kModel, kVocab, 1}};

enum class Way : std::uint8_t { Forward, ToInputs, ToWeights };
constexpr std::string_view kWays[] = {"forward", "to_inputs", "to_weights"};

class TrainingBench {
 public:
  explicit TrainingBench(const Options& options) : options_(options) {
    const bool bf16 = backend_->has(Precision::BF16);
    precision_ = bf16 ? Precision::BF16 : Precision::F32;
    stored_ = bf16 ? DType::BF16 : DType::F32;
  }

  std::vector<Figure> run() {
    products();
    attention();
    gates();
    loss();
    optimiser();
    return std::move(figures_);
  }

 private:
  void add(const std::string& name, double value, const std::string& unit, double limit,
           const std::string& limit_is, bool checked) {
    figures_.push_back({"training/" + name, value, unit, limit, limit_is, checked});
  }
  template <typename Body>
  double seconds(const Body& body) const {
    return best_seconds(options_.rounds, body);
  }
  double onednn(std::size_t m, std::size_t k, std::size_t n) const {
    return onednn_gemm_rate(m, k, n, stored_ == DType::BF16, options_.rounds) / 1e9;
  }

  void products() {
    double flop = 0.0;
    double all_seconds = 0.0;
    bool right = true;
    for (const Weights& w : kWeights) {
      for (const Way way : {Way::Forward, Way::ToInputs, Way::ToWeights}) {
        const Figure figure = product(w, way);
        const double own = 2.0 * static_cast<double>(kRows * w.in * w.out * w.times);
        flop += own;
        all_seconds += own / (figure.value * 1e9);
        right = right && figure.checked;
        figures_.push_back(figure);
      }
    }
    add("products_of_a_step", flop / all_seconds / 1e9, "GFLOP/s", onednn(2048, 2048, 2048),
        fmt::format("oneDNN {}, 2048 cubed", name_of(precision_)), right);
  }

  Figure product(const Weights& w, Way way) {
    const Matrix x = normal(kRows, w.in, stored_, 1);
    const Matrix y = normal(kRows, w.out, stored_, 2);
    const Matrix weight = normal(w.out, w.in, stored_, 3);
    GemmArgs args = {.a = x.ref(), .b = weight.ref(), .transpose_b = Transpose::Yes};
    std::size_t k = w.in;
    if (way == Way::ToInputs) {
      args = {.a = y.ref(), .b = weight.ref()};
      k = w.out;
    } else if (way == Way::ToWeights) {
      args = {.a = y.ref(), .b = x.ref(), .transpose_a = Transpose::Yes};
      k = kRows;
    }
    const std::size_t m = way == Way::ToWeights ? w.out : kRows;
    const std::size_t n = way == Way::Forward ? w.out : w.in;
    Matrix out = Matrix::host(m, n, DType::F32);
    args.out = out.ref();
    args.precision = precision_;
    const double took = seconds([&] { ops::gemm(*backend_, args); });
    const double flop = 2.0 * static_cast<double>(m * n * k);
    return {fmt::format("training/{}x{}_{}", w.in, w.out, kWays[static_cast<std::size_t>(way)]),
            flop / took / 1e9,
            "GFLOP/s",
            onednn(m, k, n),
            fmt::format("oneDNN {} at this shape", name_of(precision_)),
            is_product(args, k)};
  }

  /// Some elements against sums in double.
  static bool is_product(const GemmArgs& args, std::size_t k) {
    bool right = true;
    for (std::size_t i = 0; i < 100; ++i) {
      const std::size_t row = i * 7919 % args.out.rows;
      const std::size_t col = i * 104729 % args.out.cols;
      double sum = 0.0;
      double terms = 0.0;
      for (std::size_t p = 0; p < k; ++p) {
        const double a =
            args.transpose_a == Transpose::Yes ? element(args.a, p, row) : element(args.a, row, p);
        const double b =
            args.transpose_b == Transpose::Yes ? element(args.b, col, p) : element(args.b, p, col);
        sum += a * b;
        terms += std::abs(a * b);
      }
      const double bound = static_cast<double>(k + 4) * kEpsilon * terms;
      right = right && std::abs(element(args.out, row, col) - sum) <= bound;
    }
    return right;
  }

  void attention() {
    const AttentionShape shape = {
        .heads = kHeads, .kv_heads = kHeads, .d_head = kModel / kHeads, .scale = 0.17};
    std::vector<AttentionSegment> segments;
    for (std::size_t row = 0; row + kDocument <= kRows; row += kDocument) {
      segments.push_back({row, row, kDocument});
    }
    const Matrix q = normal(kRows, kModel, DType::F32, 1);
    const Matrix k = normal(kRows, kModel, DType::F32, 2);
    const Matrix v = normal(kRows, kModel, DType::F32, 3);
    const Matrix dz = normal(kRows, kModel, DType::F32, 4);
    Matrix z = Matrix::host(kRows, kModel, DType::F32);
    Matrix dq = Matrix::host(kRows, kModel, DType::F32);
    Matrix dk = Matrix::host(kRows, kModel, DType::F32);
    Matrix dv = Matrix::host(kRows, kModel, DType::F32);
    const auto pull = [&](Backend& backend, std::span<const AttentionSegment> some,
                          AttendVjpArgs args) { ops::attend_vjp(backend, shape, some, args); };
    const AttendVjpArgs args = {.q = q.ref(),
                                .k = k.ref(),
                                .v = v.ref(),
                                .dz = dz.ref(),
                                .dq = dq.ref(),
                                .dk = dk.ref(),
                                .dv = dv.ref()};
    const double forward = seconds([&] {
      ops::attend_segments(*backend_, shape, segments, q.ref(), k.ref(), v.ref(), z.ref());
    });
    const double back = seconds([&] { pull(*backend_, segments, args); });
    // Products of two numbers for each visible pair, two forward and five back.
    constexpr std::size_t kVisible = kDocument * (kDocument + 1) / 2;
    const auto pairs = static_cast<double>(segments.size() * kVisible * kModel);
    const double limit = onednn_gemm_rate(2048, 2048, 2048, false, options_.rounds) / 1e9;
    const std::string limit_is = "oneDNN f32, 2048 cubed";
    add("attention", 2 * 2 * pairs / forward / 1e9, "GFLOP/s", limit, limit_is,
        is_attention(shape, args, z.ref()));
    add("attention_gradient", 5 * 2 * pairs / back / 1e9, "GFLOP/s", limit, limit_is,
        is_gradient(shape, args));
  }

  /// The first document in double.
  static Matrix first(ConstMatRef m) {
    Matrix out = Matrix::host(kDocument, m.cols, DType::F64);
    convert(m.row_range(0, kDocument), out.ref());
    return out;
  }
  /// Scores are below 0.17 * 32 * 25; a hundred keys are summed. Values and gradients are below 5.
  static bool is_near(ConstMatRef got, ConstMatRef want, double terms) {
    const double pattern = 2 * 0.17 * 25 * 32 * 40 * kEpsilon + 110 * kEpsilon;
    bool right = true;
    for (std::size_t i = 0; i < kDocument * got.cols; ++i) {
      const double difference =
          element(got, i / got.cols, i % got.cols) - element(want, i / got.cols, i % got.cols);
      right = right && std::abs(difference) <= pattern * terms;
    }
    return right;
  }
  bool is_attention(const AttentionShape& shape, const AttendVjpArgs& args, ConstMatRef z) {
    const Matrix q = first(args.q);
    const Matrix k = first(args.k);
    const Matrix v = first(args.v);
    Matrix want = Matrix::host(kDocument, kModel, DType::F64);
    ops::attend(*exact_, shape, q.ref(), k.ref(), v.ref(), want.ref());
    return is_near(z, want.ref(), 5);
  }
  bool is_gradient(const AttentionShape& shape, const AttendVjpArgs& args) {
    const Matrix q = first(args.q);
    const Matrix k = first(args.k);
    const Matrix v = first(args.v);
    const Matrix dz = first(args.dz);
    Matrix dq = Matrix::host(kDocument, kModel, DType::F64);
    Matrix dk = Matrix::host(kDocument, kModel, DType::F64);
    Matrix dv = Matrix::host(kDocument, kModel, DType::F64);
    const AttentionSegment segment = {0, 0, kDocument};
    ops::attend_vjp(*exact_, shape, std::span(&segment, 1),
                    {.q = q.ref(),
                     .k = k.ref(),
                     .v = v.ref(),
                     .dz = dz.ref(),
                     .dq = dq.ref(),
                     .dk = dk.ref(),
                     .dv = dv.ref()});
    // dp is below 32 * 25 of which a query weighs twice; a key has up to a hundred queries.
    const double scores = 0.17 * 5 * 2 * 32 * 25;
    return is_near(args.dv, dv.ref(), 5 * kDocument) && is_near(args.dq, dq.ref(), scores) &&
           is_near(args.dk, dk.ref(), scores * kDocument);
  }

  /// Bytes of memory that are moved, as a rate beside that of reading.
  void add_rate(const std::string& name, double bytes, double took, bool checked) {
    if (bandwidth_ == 0.0) {
      bandwidth_ = read_bandwidth(options_.rounds) / 1e9;
    }
    add(name, bytes / took / 1e9, "GB/s", bandwidth_, "reading memory", checked);
  }

  void gates() {
    const Matrix gate = normal(kRows, 512, stored_, 1);
    const Matrix up = normal(kRows, 512, stored_, 2);
    const Matrix dy = normal(kRows, 512, stored_, 3);
    Matrix dgate = Matrix::host(kRows, 512, stored_);
    Matrix dup = Matrix::host(kRows, 512, stored_);
    const double took = seconds([&] {
      ops::activate_gated_vjp(*backend_, Activation::Silu, gate.ref(), up.ref(), dy.ref(),
                              dgate.ref(), dup.ref());
    });
    bool right = true;
    for (std::size_t i = 0; i < 1000; ++i) {
      const std::size_t row = i * 7919 % kRows;
      const double x = element(gate.ref(), row, i % 512);
      const double s = 1 / (1 + std::exp(-x));
      const double want =
          element(dy.ref(), row, i % 512) * element(up.ref(), row, i % 512) * (s + x * s * (1 - s));
      const double got = element(dgate.ref(), row, i % 512);
      right = right && std::abs(got - want) <= 0x1p-8 * std::abs(want) + 25 * 20 * kEpsilon;
    }
    add_rate("gated_gradient", 5.0 * kRows * 512 * static_cast<double>(size_of(stored_)), took,
             right);
  }

  void loss() {
    constexpr std::size_t kSome = kRows / 8;
    const Matrix logits = normal(kSome, kVocab, DType::F32, 1);
    Matrix dlogits = Matrix::host(kSome, kVocab, stored_);
    std::vector<std::int32_t> targets(kSome);
    for (std::size_t r = 0; r < kSome; ++r) {
      targets[r] = static_cast<std::int32_t>(r * 7919 % kVocab);
    }
    double got = 0.0;
    const double took = seconds([&] {
      got = ops::cross_entropy(*backend_, {.logits = logits.ref(),
                                           .targets = targets,
                                           .weight = 1.0 / kSome,
                                           .dlogits = dlogits.ref()});
    });
    Matrix exact = Matrix::host(kSome, kVocab, DType::F64);
    convert(logits.ref(), exact.ref());
    const double want = ops::cross_entropy(
        *exact_, {.logits = exact.ref(), .targets = targets, .weight = 1.0 / kSome});
    add_rate("cross_entropy", static_cast<double>(kSome * kVocab * (4 + size_of(stored_))), took,
             std::abs(got - want) <= 64 * kEpsilon);
  }

  void optimiser() {
    Matrix p = normal(1, kParameters, DType::F32, 1);
    Matrix m = normal(1, kParameters, DType::F32, 2);
    Matrix v = Matrix::host(1, kParameters, DType::F32);
    const Matrix g = normal(1, kParameters, DType::F32, 4);
    Matrix rounded = Matrix::host(1, kParameters, DType::BF16);
    std::fill_n(v.as<float>().data, kParameters, 1.0F);
    const double clip = 1.0 / std::sqrt(ops::sum_of_squares(*backend_, g.ref()));
    const AdamWArgs args = {.p = p.ref(),
                            .m = m.ref(),
                            .v = v.ref(),
                            .g = g.ref(),
                            .rounded = rounded.ref(),
                            .clip = clip,
                            .lr = 1e-3,
                            .decay = 0.1};
    bool right = true;
    const double took = seconds([&] {
      const double before = element(p.ref(), 0, 5);
      const double first = element(m.ref(), 0, 5);
      const double second = element(v.ref(), 0, 5);
      ops::adamw_step(*backend_, args);
      const double own = clip * element(g.ref(), 0, 5);
      const double moment = 0.9 * first + 0.1 * own;
      const double size = std::sqrt(0.95 * second + 0.05 * own * own) + 1e-8;
      const double want = before * (1 - 1e-4) - 1e-3 * moment / size;
      right = right && std::abs(element(p.ref(), 0, 5) - want) <= 8 * kEpsilon * std::abs(before);
    });
    add_rate("adamw_step", 30.0 * kParameters, took, right);
  }

  const Options& options_;
  std::unique_ptr<Backend> backend_ = make_cpu_backend();
  std::unique_ptr<Backend> exact_ = make_reference_backend();
  Precision precision_ = Precision::F32;
  DType stored_ = DType::F32;
  double bandwidth_ = 0.0;  // GB/s, once measured
  std::vector<Figure> figures_;
};

}  // namespace

std::vector<Figure> training_figures(const Options& options) {
  if (!fits("training", options)) {
    return {};
  }
  return TrainingBench(options).run();
}

}  // namespace cajal::bench
