// The MLP of mixture models: a router picks a few experts for each token.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

#include "model/forward/forward_pass.h"
#include "model/probabilities.h"

namespace cajal {
namespace {

std::vector<double> row_of(ConstMatRef m, std::size_t r) {
  std::vector<double> out(m.cols);
  for (std::size_t c = 0; c < m.cols; ++c) {
    out[c] = element(m, r, c);
  }
  return out;
}

void store_row(std::span<const double> values, MatRef m, std::size_t r) {
  for (std::size_t c = 0; c < values.size(); ++c) {
    if (m.dtype == DType::F64) {
      m.as<double>().at(r, c) = values[c];
    } else {
      m.as<float>().at(r, c) = static_cast<float>(values[c]);
    }
  }
}

struct Choice {
  std::vector<double> index;  // best expert first
  std::vector<double> weight;
};

/// The `active` best experts by `logits` (ties: the lower one) and their weights.
Choice choose(std::vector<double> logits, const MixtureConfig& m) {
  std::vector<std::size_t> order(logits.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return logits[a] > logits[b]; });
  if (m.softmax_over_all) {
    softmax(logits);
  }
  Choice choice;
  for (std::size_t i = 0; i < m.active; ++i) {
    choice.index.push_back(static_cast<double>(order[i]));
    choice.weight.push_back(logits[order[i]]);
  }
  if (!m.softmax_over_all) {
    softmax(choice.weight);
  } else if (m.renormalize) {
    const double sum = std::accumulate(choice.weight.begin(), choice.weight.end(), 0.0);
    for (double& w : choice.weight) {
      w /= sum;
    }
  }
  return choice;
}

}  // namespace

ForwardPass::Routing ForwardPass::route(std::size_t layer) {
  const MixtureConfig& m = config_.mixture;
  const MatRef logits = make(m.experts);
  project(weights(layer).router, l_->mlp_in, logits);
  at(PointKind::RouterLogits, layer, logits);
  const MatRef weight = make(m.active);
  const MatRef index = make(m.active);
  for (std::size_t r = 0; r < rows(); ++r) {
    const Choice choice = choose(row_of(logits, r), m);
    store_row(choice.weight, weight, r);
    store_row(choice.index, index, r);
  }
  at(PointKind::RouterWeights, layer, weight);
  at(PointKind::RouterIndex, layer, index);
  Routing routing{std::vector<std::vector<std::int32_t>>(m.experts),
                  std::vector<std::vector<double>>(m.experts)};
  for (std::size_t r = 0; r < rows(); ++r) {
    for (std::size_t i = 0; i < m.active; ++i) {
      const double e = element(index, r, i);
      check(e >= 0.0 && e < static_cast<double>(m.experts), "there is no expert {}, only 0 to {}",
            e, m.experts - 1);
      routing.rows[static_cast<std::size_t>(e)].push_back(static_cast<std::int32_t>(r));
      routing.weights[static_cast<std::size_t>(e)].push_back(element(weight, r, i));
    }
  }
  return routing;
}

Matrix ForwardPass::expert(const MlpWeights& w, ConstMatRef in, std::size_t width) {
  Matrix gate = make_matrix(backend_, in.rows, width);
  Matrix up = make_matrix(backend_, in.rows, width);
  if (w.interleaved_gate_up) {
    Matrix both = make_matrix(backend_, in.rows, 2 * width);
    project(w.interleaved_gate_up, in, both.ref());
    const MatRef pairs = both.ref().split_rows(width);  // [rows * width, 2]
    backend_.copy(pairs.col_range(0, 1), gate.ref().split_rows(width));
    backend_.copy(pairs.col_range(1, 1), up.ref().split_rows(width));
  } else {
    project(w.gate, in, gate.ref());
    project(w.up, in, up.ref());
  }
  if (config_.mixture.clamped) {
    ops::clamped_glu(backend_, gate.ref(), up.ref(), config_.mixture.clamp_alpha,
                     config_.mixture.clamp_limit, up.ref());
  } else {
    ops::activate_gated(backend_, config_.activation, gate.ref(), up.ref(), up.ref());
  }
  Matrix out = make_matrix(backend_, in.rows, config_.d_model);
  project(w.down, up.ref(), out.ref());
  return out;
}

void ForwardPass::mixture(std::size_t layer, MatRef out) {
  const Routing routing = route(layer);
  std::memset(out.data, 0, out.rows * out.stride * size_of(out.dtype));
  for (std::size_t e = 0; e < routing.rows.size(); ++e) {
    const auto& rows = routing.rows[e];
    if (rows.empty()) {
      continue;
    }
    Matrix in = make_matrix(backend_, rows.size(), config_.d_model);
    ops::gather(backend_, l_->mlp_in, rows, 1.0, in.ref());
    const Matrix given = expert(weights(layer).experts[e], in.ref(), config_.mixture.d_expert);
    ops::scatter_add(backend_, given.ref(), rows, routing.weights[e], out);
  }
  if (config_.mixture.d_shared != 0) {
    shared_expert(layer, out);
  }
}

void ForwardPass::shared_expert(std::size_t layer, MatRef out) {
  const MatRef gate = make(1);
  project(weights(layer).shared_gate, l_->mlp_in, gate);
  std::vector<std::int32_t> rows(gate.rows);
  std::vector<double> factors(gate.rows);
  for (std::size_t r = 0; r < rows.size(); ++r) {
    rows[r] = static_cast<std::int32_t>(r);
    factors[r] = 1.0 / (1.0 + std::exp(-element(gate, r, 0)));
  }
  const Matrix given = expert(weights(layer).shared, l_->mlp_in, config_.mixture.d_shared);
  ops::scatter_add(backend_, given.ref(), rows, factors, out);
}

}  // namespace cajal
