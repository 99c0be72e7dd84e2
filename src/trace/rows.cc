#include "trace/rows.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <numeric>

#include "base/error.h"
#include "base/parallel.h"
#include "model/backward/backward.h"

namespace cajal {
namespace {

constexpr std::size_t kLargestMatrix = std::size_t{1} << 26U;  // bytes of one matrix of a batch

template <typename T>
double dot(std::span<const T> a, std::span<const T> b) {
  // Eight sums can run side by side.
  std::array<double, 8> sums = {};
  const std::size_t whole = a.size() / 8 * 8;
  for (std::size_t i = 0; i < whole; i += 8) {
    for (std::size_t k = 0; k < 8; ++k) {
      sums[k] += static_cast<double>(a[i + k]) * static_cast<double>(b[i + k]);
    }
  }
  double rest = 0.0;
  for (std::size_t i = whole; i < a.size(); ++i) {
    rest += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  }
  return std::accumulate(sums.begin(), sums.end(), rest);
}

/// Where targets come in the walk: the later, the lower.
std::size_t height(const RowTarget& target) {
  return target.point.kind == PointKind::FinalNorm ? SIZE_MAX : target.point.layer;
}

/// Bias of a projection's outputs as a row of doubles; empty: none.
Matrix as_row(ConstMatRef bias, DType dtype, double factor) {
  if (!bias) {
    return {};
  }
  Matrix out = Matrix::host(1, bias.cols, DType::F64);
  convert(bias.row_range(0, 1), out.ref());
  for (double& x : out.as<double>().row(0)) {
    x *= factor;
  }
  Matrix typed = Matrix::host(1, bias.cols, dtype);
  convert(out.ref(), typed.ref());
  return typed;
}

/// What biases add to values: [1, width].
Matrix value_bias(const ModelConfig& config, const LayerWeights& w, DType dtype) {
  if (!w.qkv_per_head) {
    return as_row(w.v.bias, dtype, 1.0);
  }
  if (!w.qkv_per_head.bias) {
    return {};
  }
  Matrix all = Matrix::host(1, w.qkv_per_head.bias.cols, dtype);
  convert(w.qkv_per_head.bias, all.ref());
  Matrix out = Matrix::host(1, config.kv_width(), dtype);
  const std::size_t d = config.d_head;
  for (std::size_t h = 0; h < config.kv_heads; ++h) {
    convert(all.ref().col_range(h * 3 * d + 2 * d, d), out.ref().col_range(h * d, d));
  }
  return out;
}

}  // namespace

/// One batch on its way back.
class RowPass {
 public:
  RowPass(Backend& backend, LocalReplacement& replacement, MatRef out)
      : backend_(backend), replacement_(replacement), out_(out) {}

  /// targets[order[i]] for each i; writes those rows of the output.
  void run(std::span<const RowTarget> targets, std::span<const std::uint32_t> order) {
    targets_ = targets;
    order_ = order;
    prefix_ = 0;
    for (const std::uint32_t i : order) {
      prefix_ = std::max(prefix_, targets[i].position + 1);
      std::memset(out_.row_range(i, 1).data, 0, out_.cols * size_of(out_.dtype));
    }
    PointSet points;
    add_points(points);
    backward(backend_, replacement_.model(), replacement_.tape_,
             {.freeze = Freeze::everything(),
              .precision = replacement_.options().precision,
              .seeds = order.size(),
              .prefix = prefix_,
              .points = &points});
  }

 private:
  using Layer = LocalReplacement::Layer;
  const ModelConfig& config() const { return replacement_.model().config(); }
  std::size_t column(RowConstant constant) const {
    return replacement_.counts().sources() + static_cast<std::size_t>(constant);
  }

  void add_points(PointSet& points) {
    std::size_t top = 0;  // above it no gradient is
    for (const std::uint32_t i : order_) {
      top = std::max(top, height(targets_[i]));
    }
    inject(points, {PointKind::FinalNorm, 0});
    add_bias(points, {PointKind::FinalNorm, 0}, as_row(weights().final_norm.bias, out_.dtype, 1.0));
    for (std::size_t l = 0; l < config().layers && l <= top; ++l) {
      add_output(points, l, top);
      add_biases(points, l);
    }
    points.read({PointKind::Embeddings, 0},
                [this](ConstMatRef g, const PointContext&) { take_embeddings(g); });
  }

  const Weights& weights() const { return replacement_.model().weights(); }

  /// The directions of the targets at `point` enter there.
  void inject(PointSet& points, Point point) {
    std::vector<std::size_t> seeds;
    for (std::size_t s = 0; s < order_.size(); ++s) {
      if (targets_[order_[s]].point == point) {
        seeds.push_back(s);
      }
    }
    if (seeds.empty()) {
      return;
    }
    points.edit(point, [this, seeds](MatRef value, const PointContext& context) {
      const std::size_t rows = value.rows / order_.size();
      for (const std::size_t s : seeds) {
        const RowTarget& target = targets_[order_[s]];
        const auto at = std::find(context.positions.begin(), context.positions.end(),
                                  static_cast<std::int32_t>(target.position));
        const auto row = static_cast<std::size_t>(at - context.positions.begin());
        add_direction(value, s * rows + row, target.direction);
      }
    });
  }
  static void add_direction(MatRef value, std::size_t row, std::span<const double> direction) {
    for (std::size_t c = 0; c < direction.size(); ++c) {
      if (value.dtype == DType::F64) {
        value.as<double>().at(row, c) += direction[c];
      } else {
        value.as<float>().at(row, c) += static_cast<float>(direction[c]);
      }
    }
  }

  /// What features wrote at a layer's output is read there; a skip path goes on to the input.
  void add_output(PointSet& points, std::size_t layer, std::size_t top) {
    const Layer& l = replacement_.layers_[layer];
    const DictionaryLayer* d = replacement_.dictionary_layer(layer);
    const bool skips = d != nullptr && d->w_skip && layer < top;
    points.read(l.output, [this, layer, skips](ConstMatRef g, const PointContext&) {
      contract(layer, g);
      if (skips) {
        skip_ = Matrix::host(g.rows, replacement_.dictionary_layer(layer)->d_in(), g.dtype);
        const StoredMatrix& w = replacement_.dictionary_layer(layer)->w_skip;
        ops::gemm(backend_, {.a = g,
                             .b = w.matrix,
                             .out = skip_.ref(),
                             .transpose_b = w.transposed,
                             .precision = replacement_.options().precision});
      }
    });
    if (d == nullptr) {
      return;
    }
    inject(points, l.input);
    if (skips) {
      points.edit(l.input, [this](MatRef value, const PointContext&) {
        if (!skip_.empty()) {
          ops::add_scaled(backend_, value, skip_.ref(), 1.0, value);
          skip_ = {};
        }
      });
    }
  }

  void add_biases(PointSet& points, std::size_t layer) {
    const LayerWeights& w = weights().layers[layer];
    const DType dtype = out_.dtype;
    const double factor = config().residual_multiplier;
    const Point output = replacement_.layers_[layer].output;
    if (config().norm_before) {
      add_bias(points, {PointKind::AttnIn, layer}, as_row(w.attn_norm.bias, dtype, 1.0));
      add_bias(points, {PointKind::MlpIn, layer}, as_row(w.mlp_norm.bias, dtype, 1.0));
    }
    if (config().clip_qkv == 0.0) {
      add_bias(points, {PointKind::Value, layer}, value_bias(config(), w, dtype));
    } else {
      add_bias(points, {PointKind::Value, layer}, clipped_values(layer));
    }
    add_bias(points, {PointKind::AttnOut, layer}, as_row(w.o.bias, dtype, 1.0));
    if (config().norm_after) {
      add_bias(points, {PointKind::AttnOutPost, layer},
               as_row(w.attn_post_norm.bias, dtype, factor));
      if (output.kind == PointKind::MlpOut) {
        add_bias(points, {PointKind::MlpOutPost, layer},
                 as_row(w.mlp_post_norm.bias, dtype, factor));
      }
    }
  }

  /// A value that clipping holds at the limit is a constant; others have the bias.
  Matrix clipped_values(std::size_t layer) {
    const Matrix& clean = replacement_.layers_[layer].values;
    Matrix out = Matrix::host(clean.rows(), clean.cols(), out_.dtype);
    const Matrix bias = value_bias(config(), weights().layers[layer], DType::F64);
    for (std::size_t r = 0; r < clean.rows(); ++r) {
      std::vector<double> row(clean.cols());
      for (std::size_t c = 0; c < row.size(); ++c) {
        const double x = element(clean.ref(), r, c);
        const double free = bias.empty() ? 0.0 : element(bias.ref(), 0, c);
        row[c] = std::abs(x) >= config().clip_qkv ? x : free;
      }
      const ConstMatRef from = {reinterpret_cast<const std::byte*>(row.data()), 1, row.size(),
                                row.size(), DType::F64};
      convert(from, out.ref().row_range(r, 1));
    }
    return out;
  }

  /// `vectors` [1 or positions, width] are added at the point; empty: nothing is.
  void add_bias(PointSet& points, Point point, Matrix vectors) {
    if (vectors.empty()) {
      return;
    }
    auto shared = std::make_shared<const Matrix>(std::move(vectors));
    points.read(point, [this, shared](ConstMatRef g, const PointContext&) {
      if (g.dtype == DType::F64) {
        add_dots<double>(g, shared->ref());
      } else {
        add_dots<float>(g, shared->ref());
      }
    });
  }

  template <typename T>
  void add_dots(ConstMatRef gradients, ConstMatRef vectors) {
    const auto g = gradients.as<const T>();
    const auto v = vectors.as<const T>();
    const auto out = out_.as<T>();
    const std::size_t rows = g.rows / order_.size();
    parallel_for(order_.size(), 8, [&](std::size_t begin, std::size_t end) {
      for (std::size_t s = begin; s < end; ++s) {
        double sum = 0.0;
        for (std::size_t r = 0; r < rows; ++r) {
          sum += dot<T>(g.row(s * rows + r), v.row(v.rows == 1 ? 0 : r));
        }
        T& to = out.at(order_[s], column(RowConstant::Biases));
        to = static_cast<T>(static_cast<double>(to) + sum);
      }
    });
  }

  void take_embeddings(ConstMatRef g) {
    if (g.dtype == DType::F64) {
      take_embeddings(g.as<const double>(), out_.as<double>());
    } else {
      take_embeddings(g.as<const float>(), out_.as<float>());
    }
  }
  template <typename T>
  void take_embeddings(MatrixView<const T> g, MatrixView<T> out) {
    const auto tokens = std::as_const(replacement_.token_vectors_).template as<T>();
    const auto positional = std::as_const(replacement_.positional_).template as<T>();
    const NodeCounts counts = replacement_.counts();
    const bool learned = config().learned_positions;
    parallel_for(order_.size(), 8, [&](std::size_t begin, std::size_t end) {
      for (std::size_t s = begin; s < end; ++s) {
        double constant = 0.0;
        for (std::size_t p = 0; p < prefix_; ++p) {
          const std::span<const T> row = g.row(s * prefix_ + p);
          out.at(order_[s], counts.embedding(p)) = static_cast<T>(dot<T>(row, tokens.row(p)));
          constant += learned ? dot<T>(row, positional.row(p)) : 0.0;
        }
        out.at(order_[s], column(RowConstant::Positions)) = static_cast<T>(constant);
      }
    });
  }

  /// Everything written at a layer's output, one product for each position.
  void contract(std::size_t layer, ConstMatRef g) {
    const Layer& l = replacement_.layers_[layer];
    const std::size_t seeds = order_.size();
    for (std::size_t p = 0; p < prefix_; ++p) {
      ConstMatRef at = g;  // row p of each seed
      at.data += p * g.stride * size_of(g.dtype);
      at.rows = seeds;
      at.stride = prefix_ * g.stride;
      const std::size_t begin = l.row_starts[p];
      const std::size_t count = l.row_starts[p + 1] - begin;
      if (product_.rows() != seeds || product_.cols() < count) {
        product_ = make_matrix(backend_, seeds, count);
      }
      const MatRef product = product_.ref().col_range(0, count);
      ops::gemm(backend_, {.a = at,
                           .b = l.vectors.ref().row_range(begin, count),
                           .out = product,
                           .transpose_b = Transpose::Yes,
                           .precision = replacement_.options().precision});
      const std::span columns = std::span(l.columns).subspan(begin, count);
      if (product.dtype == DType::F64) {
        scatter(product.as<double>(), columns, out_.as<double>());
      } else {
        scatter(product.as<float>(), columns, out_.as<float>());
      }
    }
  }
  template <typename T>
  void scatter(MatrixView<T> product, std::span<const std::uint32_t> columns, MatrixView<T> out) {
    for (std::size_t s = 0; s < product.rows; ++s) {
      const std::span<T> to = out.row(order_[s]);
      for (std::size_t i = 0; i < columns.size(); ++i) {
        if (columns[i] != LocalReplacement::kNoColumn) {
          to[columns[i]] += product.at(s, i);
        }
      }
    }
  }

  Backend& backend_;
  LocalReplacement& replacement_;
  MatRef out_;
  std::span<const RowTarget> targets_;
  std::span<const std::uint32_t> order_;
  std::size_t prefix_ = 0;  // positions that a gradient can reach
  Matrix skip_;             // what a skip path adds at the input of its layer
  Matrix product_;
};

std::size_t row_columns(const LocalReplacement& replacement) noexcept {
  return replacement.counts().sources() + kRowConstants;
}

void compute_rows(Backend& backend, LocalReplacement& replacement,
                  std::span<const RowTarget> targets, MatRef out, const RowOptions& options) {
  check(options.batch != 0, "a batch needs at least one target");
  check(out.rows == targets.size() && out.cols == row_columns(replacement) &&
            out.dtype == backend.activation_dtype(),
        "the rows of {} targets are [{}, {}] of {}; expected [{}, {}] of {}", targets.size(),
        out.rows, out.cols, name_of(out.dtype), targets.size(), row_columns(replacement),
        name_of(backend.activation_dtype()));
  std::vector<std::uint32_t> order(targets.size());
  std::iota(order.begin(), order.end(), 0U);
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) {
    return std::pair(height(targets[a]), targets[a].position) <
           std::pair(height(targets[b]), targets[b].position);
  });
  const std::size_t seed_bytes =
      replacement.tokens().size() *
      std::max(replacement.model().config().d_model, replacement.model().config().q_width()) *
      size_of(out.dtype);
  const std::size_t batch = std::clamp<std::size_t>(kLargestMatrix / seed_bytes, 1, options.batch);
  RowPass pass(backend, replacement, out);
  for (std::size_t begin = 0; begin < order.size(); begin += batch) {
    pass.run(targets, std::span(order).subspan(begin, std::min(batch, order.size() - begin)));
  }
}

double row_residual(const RowTarget& target, ConstMatRef rows, std::size_t row) {
  double sum = target.bias;
  double size = std::abs(target.bias);
  for (std::size_t c = 0; c < rows.cols; ++c) {
    const double x = element(rows, row, c);
    sum += x;
    size += std::abs(x);
  }
  return std::abs(target.value - sum) / std::max(1e-6, size);
}

}  // namespace cajal
