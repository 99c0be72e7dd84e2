#include "model/self_check.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>

#include "base/error.h"
#include "model/nll.h"
#include "model/sampling.h"

namespace cajal {
namespace {

using Values = std::map<Point, Matrix>;  // F64

Matrix copied(ConstMatRef value) {
  Matrix out = Matrix::host(value.rows, value.cols, DType::F64);
  convert(value, out.ref());
  return out;
}

struct Run {
  Values values;
  Matrix logits;  // all rows, as the backend gave them
};

void check_not_cancelled(const std::stop_token& cancel) {
  if (cancel.stop_requested()) {
    fail(ErrorCode::Cancelled, "the self-check was interrupted");
  }
}

Run run(Backend& backend, const Model& model, std::span<const TokenId> tokens, Precision precision,
        const std::vector<Point>& read, const std::stop_token& cancel) {
  Run out;
  PointSet points;
  check_not_cancelled(cancel);
  for (const Point point : read) {
    points.read(point, [&](ConstMatRef value, const PointContext& context) {
      check_not_cancelled(cancel);
      out.values[context.point] = copied(value);
    });
  }
  KvCache cache(model.config(), backend, 1);
  const std::int32_t starts[] = {0, static_cast<std::int32_t>(tokens.size())};
  out.logits = model.forward(backend, {tokens, starts}, cache,
                             {.precision = precision, .logits = LogitRows::All, .points = &points});
  return out;
}

double epsilon_of(const Backend& backend) {
  return backend.activation_dtype() == DType::F64
             ? std::numeric_limits<double>::epsilon()
             : static_cast<double>(std::numeric_limits<float>::epsilon());
}

/// Largest errors of one identity over all layers, each against what rounding allows there.
class Identity {
 public:
  explicit Identity(std::string name) { result_.name = std::move(name); }

  void add(double error, double tolerance) {
    // Kept: the comparison that is worst in relation to its own tolerance. NaN is worst of all.
    const double ratio = std::isfinite(error)
                             ? error / std::max(tolerance, std::numeric_limits<double>::min())
                             : std::numeric_limits<double>::infinity();
    if (ratio > worst_) {
      worst_ = ratio;
      result_.largest_error = error;
      result_.tolerance = tolerance;
    }
    seen_ = true;
  }
  bool seen() const noexcept { return seen_; }
  CheckResult result() const {
    CheckResult out = result_;
    out.passed = out.largest_error <= out.tolerance;
    return out;
  }

 private:
  CheckResult result_;
  double worst_ = -1.0;
  bool seen_ = false;
};

class Checker {
 public:
  Checker(const Model& model, const Values& values, double epsilon, std::size_t tokens)
      : config_(model.config()),
        values_(values),
        epsilon_(epsilon),
        tokens_(tokens),
        has_sinks_(static_cast<bool>(model.weights().layers[0].sinks)) {}

  std::vector<CheckResult> all() const {
    std::vector<CheckResult> out;
    for (const Identity& identity :
         {attention_sum(), mlp_sum(), chain(), pattern_rows(), causal(), mixed_values()}) {
      if (identity.seen()) {
        out.push_back(identity.result());
      }
    }
    return out;
  }

 private:
  ConstMatRef value(PointKind kind, std::size_t layer) const {
    const auto it = values_.find({kind, layer});
    return it == values_.end() ? ConstMatRef() : it->second.ref();
  }
  ConstMatRef added(PointKind plain, PointKind post, std::size_t layer) const {
    const ConstMatRef changed = value(post, layer);
    return changed ? changed : value(plain, layer);
  }

  /// a + b (+ c) = sum: one rounding a term.
  void compare_sum(Identity& identity, ConstMatRef a, ConstMatRef b, ConstMatRef c,
                   ConstMatRef sum) const {
    for (std::size_t r = 0; r < sum.rows; ++r) {
      for (std::size_t col = 0; col < sum.cols; ++col) {
        const double x = element(a, r, col);
        const double y = element(b, r, col);
        const double z = c ? element(c, r, col) : 0.0;
        const double scale = std::abs(x) + std::abs(y) + std::abs(z);
        identity.add(std::abs(x + y + z - element(sum, r, col)), 2.0 * epsilon_ * scale);
      }
    }
  }

  Identity attention_sum() const {
    Identity identity("resid_pre + attention = resid_mid");
    for (std::size_t i = 0; i < config_.layers && !config_.parallel; ++i) {
      compare_sum(identity, value(PointKind::ResidPre, i),
                  added(PointKind::AttnOut, PointKind::AttnOutPost, i), {},
                  value(PointKind::ResidMid, i));
    }
    return identity;
  }
  Identity mlp_sum() const {
    Identity identity(config_.parallel ? "resid_pre + attention + MLP = resid_post"
                                       : "resid_mid + MLP = resid_post");
    for (std::size_t i = 0; i < config_.layers; ++i) {
      const ConstMatRef mlp = added(PointKind::MlpOut, PointKind::MlpOutPost, i);
      if (config_.parallel) {
        compare_sum(identity, value(PointKind::ResidPre, i),
                    added(PointKind::AttnOut, PointKind::AttnOutPost, i), mlp,
                    value(PointKind::ResidPost, i));
      } else {
        compare_sum(identity, value(PointKind::ResidMid, i), mlp, {},
                    value(PointKind::ResidPost, i));
      }
    }
    return identity;
  }
  Identity chain() const {
    Identity identity("resid_post = resid_pre of the next layer");
    for (std::size_t i = 0; i + 1 < config_.layers; ++i) {
      const ConstMatRef a = value(PointKind::ResidPost, i);
      const ConstMatRef b = value(PointKind::ResidPre, i + 1);
      for (std::size_t r = 0; r < a.rows; ++r) {
        for (std::size_t c = 0; c < a.cols; ++c) {
          identity.add(std::abs(element(a, r, c) - element(b, r, c)), 0.0);
        }
      }
    }
    return identity;
  }
  Identity pattern_rows() const {
    Identity identity("each row of attn_probs sums to 1");
    for (std::size_t i = 0; i < config_.layers; ++i) {
      const ConstMatRef p = value(PointKind::AttnProbs, i);
      for (std::size_t r = 0; r < p.rows && !has_sinks_; ++r) {
        double sum = 0.0;
        for (std::size_t c = 0; c < p.cols; ++c) {
          sum += element(p, r, c);
        }
        identity.add(std::abs(sum - 1.0), epsilon_ * static_cast<double>(p.cols + 8));
      }
    }
    return identity;
  }
  Identity causal() const {
    Identity identity("no token attends to a later one, or beyond its window");
    for (std::size_t i = 0; i < config_.layers; ++i) {
      const ConstMatRef p = value(PointKind::AttnProbs, i);
      const std::size_t window = config_.layer[i].window;
      for (std::size_t r = 0; r < p.rows; ++r) {
        const std::size_t query = r % tokens_;
        for (std::size_t key = 0; key < p.cols; ++key) {
          const bool seen = key <= query && (window == 0 || query - key < window);
          if (!seen) {
            identity.add(std::abs(element(p, r, key)), 0.0);
          }
        }
      }
    }
    return identity;
  }
  Identity mixed_values() const {
    Identity identity("attn_probs * value = z");
    const std::size_t d = config_.d_head;
    for (std::size_t i = 0; i < config_.layers; ++i) {
      const ConstMatRef p = value(PointKind::AttnProbs, i);
      const ConstMatRef v = value(PointKind::Value, i);
      const ConstMatRef z = value(PointKind::Z, i);
      for (std::size_t r = 0; r < p.rows; ++r) {
        const std::size_t head = r / tokens_;
        const std::size_t kv = head / (config_.heads / config_.kv_heads);
        for (std::size_t c = 0; c < d; ++c) {
          double sum = 0.0;
          double scale = 0.0;
          for (std::size_t key = 0; key < p.cols; ++key) {
            const double term = element(p, r, key) * element(v, key, kv * d + c);
            sum += term;
            scale += std::abs(term);
          }
          identity.add(std::abs(sum - element(z, r % tokens_, head * d + c)),
                       epsilon_ * scale * static_cast<double>(p.cols + 2));
        }
      }
    }
    return identity;
  }

  const ModelConfig& config_;
  const Values& values_;
  double epsilon_;
  std::size_t tokens_;
  bool has_sinks_;  // a sink takes a part of each row
};

bool is_finite(const Matrix& logits) {
  for (std::size_t r = 0; r < logits.rows(); ++r) {
    for (std::size_t c = 0; c < logits.cols(); ++c) {
      if (!std::isfinite(element(logits.ref(), r, c))) {
        return false;
      }
    }
  }
  return true;
}

double mean_nll(const Matrix& logits, std::span<const TokenId> tokens) {
  std::vector<double> out;
  for (std::size_t r = 0; r + 1 < tokens.size(); ++r) {
    const auto next = static_cast<std::size_t>(tokens[r + 1]);
    out.push_back(-log_softmax(logits.ref().row_range(r, 1))[next]);
  }
  return mean(out);
}

CheckResult same_bits(const Matrix& a, const Matrix& b) {
  CheckResult out{.name = "reading points changes no bit of the logits"};
  const std::size_t bytes = a.rows() * a.cols() * size_of(a.dtype());
  out.passed = std::memcmp(a.ref().data, b.ref().data, bytes) == 0;
  out.largest_error = out.passed ? 0.0 : std::numeric_limits<double>::infinity();
  return out;
}

}  // namespace

SelfCheck self_check(Backend& backend, const Model& model, std::span<const TokenId> tokens,
                     Precision precision, bool is_sentence, const std::stop_token& cancel) {
  constexpr std::size_t kEnough = 64;  // tokens; the patterns of all layers are in memory at once
  tokens = tokens.first(std::min({tokens.size(), kEnough, model.config().context}));
  check(tokens.size() >= 2, "the self-check needs at least 2 tokens");
  const Run watched = run(backend, model, tokens, precision, points_of(model.config()), cancel);
  const Run plain = run(backend, model, tokens, precision, {}, cancel);
  SelfCheck out;
  out.checks = Checker(model, watched.values, epsilon_of(backend), tokens.size()).all();
  out.checks.push_back(same_bits(watched.logits, plain.logits));
  out.uniform_nll = std::log(static_cast<double>(model.config().vocab));
  const bool finite = is_finite(watched.logits);
  out.checks.push_back({.name = "all logits are finite numbers",
                        .largest_error = finite ? 0.0 : std::numeric_limits<double>::infinity(),
                        .passed = finite});
  out.mean_nll =
      finite ? mean_nll(watched.logits, tokens) : std::numeric_limits<double>::quiet_NaN();
  if (!finite) {
    out.warnings.push_back(
        "the model gives logits that are not finite numbers: its weights are damaged");
  } else if (is_sentence && out.mean_nll >= out.uniform_nll) {
    out.warnings.push_back(fmt::format(
        "a plain sentence costs {:.2f} nats a token, no less than guessing ({:.2f}): the weights, "
        "the tokenizer or the configuration may not belong together",
        out.mean_nll, out.uniform_nll));
  }
  return out;
}

}  // namespace cajal
