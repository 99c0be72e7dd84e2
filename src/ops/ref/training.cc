#include <algorithm>
#include <cmath>

#include "ops/ref/reference.h"

namespace cajal {
namespace {

/// log sum exp.
double log_sum(std::span<const double> x) {
  const double largest = *std::ranges::max_element(x);
  double sum = 0;
  for (const double value : x) {
    sum += std::exp(value - largest);
  }
  return largest + std::log(sum);
}

/// No id has a greater logit, and none before it an equal one.
bool is_first_largest(std::span<const double> x, std::size_t id) {
  return std::ranges::max_element(x) - x.begin() == static_cast<std::ptrdiff_t>(id);
}

}  // namespace

double ReferenceBackend::cross_entropy(const LossArgs& args) {
  const auto logits = args.logits.as<const double>();
  double loss = 0;
  for (std::size_t r = 0; r < logits.rows; ++r) {
    const bool counts = args.targets[r] >= 0;
    const std::size_t target = counts ? static_cast<std::size_t>(args.targets[r]) : 0;
    const double total = log_sum(logits.row(r));
    const double nll = counts ? total - logits.at(r, target) : 0.0;
    loss += nll;
    if (!args.nll.empty()) {
      args.nll[r] = nll;
    }
    if (!args.correct.empty()) {
      args.correct[r] = counts && is_first_largest(logits.row(r), target) ? 1 : 0;
    }
    for (std::size_t c = 0; c < logits.cols && args.dlogits; ++c) {
      const double wrong = std::exp(logits.at(r, c) - total) - (c == target ? 1.0 : 0.0);
      args.dlogits.as<double>().at(r, c) = counts ? args.weight * wrong : 0.0;
    }
  }
  return args.weight * loss;
}

void ReferenceBackend::adamw_step(const AdamWArgs& args) {
  const auto g = args.g.as<const double>();
  for (std::size_t r = 0; r < g.rows; ++r) {
    for (std::size_t c = 0; c < g.cols; ++c) {
      double& p = args.p.as<double>().at(r, c);
      double& m = args.m.as<double>().at(r, c);
      double& v = args.v.as<double>().at(r, c);
      const double clipped = args.clip * g.at(r, c);
      p *= 1 - args.lr * args.decay;
      m = args.beta1 * m + (1 - args.beta1) * clipped;
      v = args.beta2 * v + (1 - args.beta2) * clipped * clipped;
      p -= args.lr / args.correction1 * m /
           (std::sqrt(v) / std::sqrt(args.correction2) + args.epsilon);
    }
  }
  if (args.rounded) {
    convert(args.p, args.rounded);
  }
}

double ReferenceBackend::sum_of_squares(ConstMatRef in) {
  const auto x = in.as<const double>();
  double sum = 0;
  for (std::size_t r = 0; r < x.rows; ++r) {
    for (const double value : x.row(r)) {
      sum += value * value;
    }
  }
  return sum;
}

void ReferenceBackend::round_to_bf16(ConstMatRef in, MatRef out) {
  convert(in, out);
}

}  // namespace cajal
