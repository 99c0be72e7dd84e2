#include "explain/feature_likeness.h"

#include <algorithm>
#include <cmath>

#include "tensor/host_matrix.h"

namespace cajal {
namespace {

/// Adds weight * cosine of every pair of the columns of `vectors` [length, n] to `out` [n, n],
/// above the diagonal.
void add_cosines(const Matrix& vectors, double weight, MatrixView<float> out) {
  const auto v = vectors.as<const float>();
  std::vector<double> squares(v.cols, 0.0);
  for (std::size_t k = 0; k < v.rows; ++k) {
    for (std::size_t i = 0; i < v.cols; ++i) {
      squares[i] += static_cast<double>(v.at(k, i)) * static_cast<double>(v.at(k, i));
    }
  }
  std::vector<float> scales;
  scales.reserve(squares.size());
  for (const double square : squares) {
    scales.push_back(square > 0.0 ? static_cast<float>(1.0 / std::sqrt(square)) : 0.0F);
  }
  std::vector<float> dots(v.cols);
  for (std::size_t i = 0; i < v.cols; ++i) {
    std::fill(dots.begin(), dots.end(), 0.0F);
    for (std::size_t k = 0; k < v.rows; ++k) {
      const float x = v.at(k, i);
      if (x == 0.0F) {
        continue;
      }
      const std::span<const float> row = v.row(k);
      for (std::size_t j = i + 1; j < v.cols; ++j) {
        dots[j] += x * row[j];
      }
    }
    const float scale = static_cast<float>(weight) * scales[i];
    for (std::size_t j = i + 1; j < v.cols; ++j) {
      out.at(i, j) += scale * scales[j] * dots[j];
    }
  }
}

/// [d_in, features]; 0 where layers read rows of another width.
Matrix reads(const AttributionGraph& graph, const Dictionary& dictionary, NodeSet features) {
  const std::size_t width = dictionary.layers().front().d_in();
  Matrix out = host_zeros(width, features.size(), DType::F32);
  for (std::size_t i = 0; i < features.size(); ++i) {
    const ActiveFeature& f = graph.feature(features[i]);
    const auto site = dictionary.index_of(f.layer);
    if (!site || dictionary.layers()[*site].d_in() != width) {
      continue;
    }
    const std::vector<float> row = dictionary.encoder_row(*site, f.feature);
    for (std::size_t k = 0; k < width; ++k) {
      out.as<float>().at(k, i) = row[k];
    }
  }
  return out;
}

/// [d_out, features], the sum over the layers that a feature writes to.
Matrix writes(const AttributionGraph& graph, const Dictionary& dictionary, NodeSet features) {
  const std::size_t width = dictionary.layers().front().d_out();
  Matrix out = host_zeros(width, features.size(), DType::F32);
  for (std::size_t i = 0; i < features.size(); ++i) {
    const ActiveFeature& f = graph.feature(features[i]);
    const auto site = dictionary.index_of(f.layer);
    for (std::size_t t = site.value_or(dictionary.layers().size());
         t < dictionary.layers().size() && dictionary.sources_of(t).first <= *site; ++t) {
      const ConstMatRef row = dictionary.decoder_row(*site, f.feature, t);
      for (std::size_t k = 0; k < std::min(width, row.cols); ++k) {
        out.as<float>().at(k, i) += static_cast<float>(element(row, 0, k));
      }
    }
  }
  return out;
}

/// [sources, features] rows of A.
Matrix inputs(const GraphFlow& flow, NodeSet features) {
  const std::size_t sources = flow.counts().sources();
  Matrix out = host_zeros(sources, features.size(), DType::F32);
  for (std::size_t i = 0; i < features.size(); ++i) {
    for (std::size_t s = 0; s < sources; ++s) {
      out.as<float>().at(s, i) = static_cast<float>(flow.edge(features[i], s));
    }
  }
  return out;
}

/// [rows, features] what each feature and target has of the answer by way of these.
Matrix outputs(const GraphFlow& flow, NodeSet features) {
  const std::vector<std::uint32_t> rows = row_nodes(flow.counts());
  Matrix out = host_zeros(rows.size(), features.size(), DType::F32);
  for (std::size_t r = 0; r < rows.size(); ++r) {
    const std::vector<double> sent = flow.sent_on(rows[r]);
    for (std::size_t i = 0; i < features.size(); ++i) {
      out.as<float>().at(r, i) = static_cast<float>(sent[features[i]]);
    }
  }
  return out;
}

/// [positions, features] shares of the words in what a feature comes from.
Matrix words(const GraphFlow& flow, NodeSet features) {
  const NodeCounts& counts = flow.counts();
  Matrix out = host_zeros(counts.positions, features.size(), DType::F32);
  for (std::size_t p = 0; p < counts.positions; ++p) {
    const std::vector<double> shares =
        flow.shares_from(static_cast<std::uint32_t>(counts.embedding(p)));
    for (std::size_t i = 0; i < features.size(); ++i) {
      out.as<float>().at(p, i) = static_cast<float>(shares[features[i]]);
    }
  }
  return out;
}

}  // namespace

Matrix feature_likeness(const AttributionGraph& graph, const GraphFlow& flow,
                        const Dictionary* dictionary, NodeSet features,
                        const LikenessWeights& weights) {
  const std::size_t n = features.size();
  Matrix out = host_zeros(n, n, DType::F32);
  const auto view = out.as<float>();
  if (dictionary != nullptr) {
    add_cosines(reads(graph, *dictionary, features), weights.reads, view);
    add_cosines(writes(graph, *dictionary, features), weights.writes, view);
  }
  add_cosines(inputs(flow, features), weights.inputs, view);
  add_cosines(outputs(flow, features), weights.outputs, view);
  add_cosines(words(flow, features), weights.words, view);
  for (std::size_t i = 0; i < n; ++i) {
    const ActiveFeature& a = graph.feature(features[i]);
    for (std::size_t j = i + 1; j < n; ++j) {
      const ActiveFeature& b = graph.feature(features[j]);
      const auto apart = static_cast<double>(b.layer - a.layer);  // features ascend by layer
      view.at(i, j) += static_cast<float>((a.position == b.position ? weights.position : 0.0) +
                                          weights.layer / (1.0 + apart));
      view.at(j, i) = view.at(i, j);
    }
  }
  return out;
}

}  // namespace cajal
