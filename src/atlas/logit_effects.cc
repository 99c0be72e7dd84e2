#include "atlas/logit_effects.h"

#include <algorithm>
#include <numeric>

#include "base/parallel.h"
#include "model/unembed.h"
#include "tensor/host_matrix.h"

namespace cajal {
namespace {

constexpr std::size_t kBlock = 128;  // features at a time: [block, vocab] logits

/// What a feature writes to column `c` of its targets together.
double written_to_all(const DictionaryLayer& layer, std::size_t feature, std::size_t c) {
  double sum = 0.0;
  for (std::size_t t = 0; t < layer.targets(); ++t) {
    sum += element(layer.w_dec, feature, t * layer.d_out() + c);
  }
  return sum;
}

/// [count, d_out] of the backend's type: decoder rows, summed over what they write to.
Matrix written(Backend& backend, const DictionaryLayer& layer, std::size_t begin,
               std::size_t count) {
  const std::size_t d = layer.d_out();
  Matrix sums = Matrix::host(count, d, DType::F64);
  parallel_for(count, 16, [&](std::size_t first, std::size_t last) {
    for (std::size_t i = first; i < last; ++i) {
      for (std::size_t c = 0; c < d; ++c) {
        sums.as<double>().at(i, c) = written_to_all(layer, begin + i, c);
      }
    }
  });
  Matrix out = make_matrix(backend, count, d);
  convert(sums.ref(), out.ref());
  return out;
}

Matrix empty_logits(Backend& backend, const Model& model, Precision precision) {
  Matrix nothing = make_matrix(backend, 1, model.config().d_model);
  convert(host_zeros(1, model.config().d_model, DType::F64).ref(), nothing.ref());
  Matrix out = unembed(backend, model.config(), model.weights(), nothing.ref(), precision);
  backend.synchronize();
  return out;
}

LogitEffects effects_of(ConstMatRef logits, std::size_t row, ConstMatRef empty, std::size_t top) {
  std::vector<double> effect(logits.cols);
  for (std::size_t v = 0; v < logits.cols; ++v) {
    effect[v] = element(logits, row, v) - element(empty, 0, v);
  }
  const double mean =
      std::accumulate(effect.begin(), effect.end(), 0.0) / static_cast<double>(effect.size());
  std::vector<TokenId> order(logits.cols);
  std::iota(order.begin(), order.end(), 0);
  const auto take = [&](double sign) {
    const auto before = [&](TokenId a, TokenId b) {
      const double x = sign * effect[static_cast<std::size_t>(a)];
      const double y = sign * effect[static_cast<std::size_t>(b)];
      return x != y ? x > y : a < b;
    };
    const std::size_t count = std::min(top, order.size());
    std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count),
                      order.end(), before);
    std::vector<TokenEffect> out;
    out.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
      out.push_back(
          {order[i], static_cast<float>(effect[static_cast<std::size_t>(order[i])] - mean)});
    }
    return out;
  };
  LogitEffects out;
  out.promoted = take(1.0);
  out.suppressed = take(-1.0);
  return out;
}

}  // namespace

std::vector<LogitEffects> logit_effects(Backend& backend, const Model& model,
                                        const Dictionary& dictionary, std::size_t site,
                                        std::size_t top, Precision precision) {
  const DictionaryLayer& layer = dictionary.layers()[site];
  std::vector<LogitEffects> out(layer.features());
  if (layer.d_out() != model.config().d_model) {
    return out;
  }
  const Matrix empty = empty_logits(backend, model, precision);
  for (std::size_t begin = 0; begin < out.size(); begin += kBlock) {
    const std::size_t count = std::min(kBlock, out.size() - begin);
    const Matrix rows = written(backend, layer, begin, count);
    const Matrix logits = unembed(backend, model.config(), model.weights(), rows.ref(), precision);
    backend.synchronize();
    parallel_for(count, 4, [&](std::size_t first, std::size_t last) {
      for (std::size_t i = first; i < last; ++i) {
        out[begin + i] = effects_of(logits.ref(), i, empty.ref(), top);
      }
    });
  }
  return out;
}

}  // namespace cajal
