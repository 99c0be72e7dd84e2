#include <algorithm>
#include <cmath>

#include "ops/ref/reference.h"
#include "ops/visible.h"

namespace cajal {
namespace {

/// Softmax of visible scores in place; the sink, if any, takes its share and gives nothing.
void softmax(std::span<double> scores, const double* sink) {
  double largest = *std::max_element(scores.begin(), scores.end());
  largest = sink != nullptr ? std::max(largest, *sink) : largest;
  double sum = sink != nullptr ? std::exp(*sink - largest) : 0.0;
  for (double& score : scores) {
    score = std::exp(score - largest);
    sum += score;
  }
  for (double& score : scores) {
    score /= sum;
  }
}

}  // namespace

void ReferenceBackend::attention_scores(const AttentionShape& shape, ConstMatRef q, ConstMatRef k,
                                        MatRef scores) {
  const auto out = scores.as<double>();
  const std::size_t group = shape.heads / shape.kv_heads;
  for (std::size_t h = 0; h < shape.heads; ++h) {
    const auto queries = q.as<const double>().col_range(h * shape.d_head, shape.d_head);
    const auto keys = k.as<const double>().col_range(h / group * shape.d_head, shape.d_head);
    for (std::size_t i = 0; i < queries.rows; ++i) {
      const auto row = out.row(h * queries.rows + i);
      const auto [begin, end] = visible_keys(shape, i);
      std::fill(row.begin(), row.end(), 0.0);
      for (std::size_t j = begin; j < end; ++j) {
        double dot = 0;
        for (std::size_t c = 0; c < shape.d_head; ++c) {
          dot += queries.at(i, c) * keys.at(j, c);
        }
        const double score = shape.scale * dot;
        row[j] = shape.soft_cap == 0 ? score : shape.soft_cap * std::tanh(score / shape.soft_cap);
      }
    }
  }
}

void ReferenceBackend::attention_probabilities(const AttentionShape& shape, ConstMatRef scores,
                                               MatRef probabilities) {
  const auto in = scores.as<const double>();
  const auto out = probabilities.as<double>();
  const auto sinks = shape.sinks ? widened_row(shape.sinks, 0) : std::vector<double>();
  const std::size_t queries = in.rows / shape.heads;
  for (std::size_t r = 0; r < in.rows; ++r) {
    const auto [begin, end] = visible_keys(shape, r % queries);
    const auto visible = in.row(r).subspan(begin, end - begin);
    const auto row = out.row(r);
    std::copy(visible.begin(), visible.end(), row.begin() + static_cast<std::ptrdiff_t>(begin));
    std::fill_n(row.begin(), begin, 0.0);
    std::fill(row.begin() + static_cast<std::ptrdiff_t>(end), row.end(), 0.0);
    softmax(row.subspan(begin, end - begin), shape.sinks ? &sinks[r / queries] : nullptr);
  }
}

void ReferenceBackend::attention_mix(const AttentionShape& shape, ConstMatRef probabilities,
                                     ConstMatRef v, MatRef z) {
  const auto pattern = probabilities.as<const double>();
  const std::size_t group = shape.heads / shape.kv_heads;
  for (std::size_t h = 0; h < shape.heads; ++h) {
    const auto values = v.as<const double>().col_range(h / group * shape.d_head, shape.d_head);
    const auto out = z.as<double>().col_range(h * shape.d_head, shape.d_head);
    for (std::size_t i = 0; i < out.rows; ++i) {
      const auto [begin, end] = visible_keys(shape, i);
      std::fill(out.row(i).begin(), out.row(i).end(), 0.0);
      for (std::size_t j = begin; j < end; ++j) {
        const double p = pattern.at(h * out.rows + i, j);
        for (std::size_t c = 0; c < shape.d_head; ++c) {
          out.at(i, c) += p * values.at(j, c);
        }
      }
    }
  }
}

void ReferenceBackend::attend(const AttentionShape& shape, ConstMatRef q, ConstMatRef k,
                              ConstMatRef v, MatRef z) {
  Matrix pattern = Matrix::host(shape.heads * q.rows, k.rows, DType::F64);
  attention_scores(shape, q, k, pattern.ref());
  attention_probabilities(shape, pattern.ref(), pattern.ref());
  attention_mix(shape, pattern.ref(), v, z);
}

}  // namespace cajal
