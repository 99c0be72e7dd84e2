#include "trace/rows.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <numeric>

#include "base/error.h"
#include "base/parallel.h"
#include "model/backward/backward.h"
#include "trace/biases.h"

namespace cajal {
namespace {

/// Targets times positions of a batch: enough for products to be fast, few enough that a batch
/// holds targets that are near.
constexpr std::size_t kBatchRows = 2048;
/// Targets of a batch at least, however long the prompt: they share what is read for each position.
constexpr std::size_t kFewestTargets = 16;
/// Rows of what sources write that are multiplied at a time.
constexpr std::size_t kSources = 4096;

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

/// Targets in an order in which every `batch` of them are near in layer and position: slabs of
/// layers, cut by position, as many ways in one direction as in the other.
std::vector<std::uint32_t> near_each_other(std::span<const RowTarget> targets, std::size_t batch) {
  std::vector<std::uint32_t> order(targets.size());
  std::iota(order.begin(), order.end(), 0U);
  std::stable_sort(order.begin(), order.end(),
                   [&](auto a, auto b) { return height(targets[a]) < height(targets[b]); });
  const std::size_t batches = (order.size() + batch - 1) / batch;
  const std::size_t slab =
      batch * static_cast<std::size_t>(std::ceil(std::sqrt(static_cast<double>(batches))));
  for (std::size_t begin = 0; begin < order.size(); begin += slab) {
    const auto from = order.begin() + static_cast<std::ptrdiff_t>(begin);
    const auto to =
        order.begin() + static_cast<std::ptrdiff_t>(std::min(begin + slab, order.size()));
    std::stable_sort(from, to,
                     [&](auto a, auto b) { return targets[a].position < targets[b].position; });
  }
  return order;
}

}  // namespace

/// One batch on its way back.
class RowPass {
 public:
  RowPass(Backend& backend, LocalReplacement& replacement, MatRef out, const RowOptions& options)
      : backend_(backend), replacement_(replacement), out_(out), options_(options) {}

  /// targets[order[i]] for each i; writes those rows of the output.
  void run(std::span<const RowTarget> targets, std::span<const std::uint32_t> order) {
    targets_ = targets;
    order_ = order;
    prefix_ = 0;
    for (const std::uint32_t i : order) {
      prefix_ = std::max(prefix_, targets[i].position + 1);
    }
    parallel_for(order.size(), 4, [&](std::size_t begin, std::size_t end) {
      for (const std::uint32_t i : order.subspan(begin, end - begin)) {
        std::memset(out_.row_range(i, 1).data, 0, out_.cols * size_of(out_.dtype));
      }
    });
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
    add_bias(points, {PointKind::FinalNorm, 0},
             bias_row(weights().final_norm.bias, out_.dtype, 1.0));
    for (std::size_t l = 0; l < config().layers && l <= top; ++l) {
      add_output(points, l, top);
      add_biases(points, l);
      if (options_.at_heads) {
        points.read({PointKind::Z, l}, [this, l](ConstMatRef g, const PointContext&) {
          options_.at_heads({.layer = l, .targets = order_, .gradients = g});
        });
      }
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
      add_bias(points, {PointKind::AttnIn, layer}, bias_row(w.attn_norm.bias, dtype, 1.0));
      add_bias(points, {PointKind::MlpIn, layer}, bias_row(w.mlp_norm.bias, dtype, 1.0));
    }
    if (config().clip_qkv == 0.0) {
      add_bias(points, {PointKind::Value, layer}, value_biases(config(), w, dtype));
    } else {
      add_bias(points, {PointKind::Value, layer},
               clipped_values(config(), w, replacement_.layers_[layer].values.ref(), dtype));
    }
    add_bias(points, {PointKind::AttnOut, layer}, bias_row(w.o.bias, dtype, 1.0));
    if (config().norm_after) {
      add_bias(points, {PointKind::AttnOutPost, layer},
               bias_row(w.attn_post_norm.bias, dtype, factor));
      if (output.kind == PointKind::MlpOut) {
        add_bias(points, {PointKind::MlpOutPost, layer},
                 bias_row(w.mlp_post_norm.bias, dtype, factor));
      }
    }
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
    const std::vector<std::size_t>& starts = replacement_.layers_[layer].row_starts;
    for (std::size_t begin = 0; begin < prefix_;) {
      std::size_t end = begin + 1;
      while (end < prefix_ && starts[end + 1] - starts[begin] <= kSources) {
        ++end;
      }
      contract(layer, begin, end, g);
      begin = end;
    }
  }

  void contract(std::size_t layer, std::size_t begin, std::size_t end, ConstMatRef g) {
    const Layer& l = replacement_.layers_[layer];
    const std::size_t rows = l.row_starts[end] - l.row_starts[begin];
    const ConstMatRef vectors = sources(layer, begin, end);
    const MatRef product = shaped(product_, order_.size(), rows);
    std::vector<GemmArgs> products;
    for (std::size_t p = begin; p < end; ++p) {
      ConstMatRef at = g;  // row p of each seed
      at.data += p * g.stride * size_of(g.dtype);
      at.rows = order_.size();
      at.stride = prefix_ * g.stride;
      const std::size_t first = l.row_starts[p] - l.row_starts[begin];
      const std::size_t count = l.row_starts[p + 1] - l.row_starts[p];
      // In f32 whatever the precision: this is little work, and nothing need be split.
      products.push_back({.a = at,
                          .b = vectors.row_range(first, count),
                          .out = product.col_range(first, count),
                          .transpose_b = Transpose::Yes});
    }
    ops::gemm_each(backend_, products);
    const std::span columns = std::span(l.columns).subspan(l.row_starts[begin], rows);
    if (product.dtype == DType::F64) {
      scatter(product.as<double>(), columns, out_.as<double>());
    } else {
      scatter(product.as<float>(), columns, out_.as<float>());
    }
  }

  ConstMatRef sources(std::size_t layer, std::size_t begin, std::size_t end) {
    const Layer& l = replacement_.layers_[layer];
    const std::size_t rows = l.row_starts[end] - l.row_starts[begin];
    if (!l.vectors.empty()) {
      return l.vectors.ref().row_range(l.row_starts[begin], rows);
    }
    const MatRef out = shaped(vectors_, rows, config().d_model);
    replacement_.gather_sources(layer, begin, end, out);
    return out;
  }

  /// [rows, cols] of memory that is kept in `in` and grows as needed.
  MatRef shaped(Matrix& in, std::size_t rows, std::size_t cols) {
    if (in.rows() * in.cols() < rows * cols) {
      in = {};  // first, so that the old and the new are not held together
      in = make_matrix(backend_, 1, rows * cols);
    }
    MatRef out = in.ref();
    out.rows = rows;
    out.cols = cols;
    out.stride = cols;
    return out;
  }

  template <typename T>
  void scatter(MatrixView<T> product, std::span<const std::uint32_t> columns, MatrixView<T> out) {
    parallel_for(product.rows, 4, [&](std::size_t begin, std::size_t end) {
      for (std::size_t s = begin; s < end; ++s) {
        const std::span<T> to = out.row(order_[s]);
        const std::span<const T> from = product.row(s);
        for (std::size_t i = 0; i < columns.size(); ++i) {
          if (columns[i] != LocalReplacement::kNoColumn) {
            to[columns[i]] += from[i];
          }
        }
      }
    });
  }

  Backend& backend_;
  LocalReplacement& replacement_;
  MatRef out_;
  const RowOptions& options_;
  std::span<const RowTarget> targets_;
  std::span<const std::uint32_t> order_;
  std::size_t prefix_ = 0;  // positions that a gradient can reach
  Matrix skip_;             // what a skip path adds at the input of its layer
  Matrix product_;          // of gradients and sources, before it is put in columns
  Matrix vectors_;          // of sources that are not kept
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
  const std::size_t rows = std::max(kFewestTargets, kBatchRows / replacement.tokens().size());
  const std::size_t batch = std::min(rows, options.batch);
  const std::vector<std::uint32_t> order = near_each_other(targets, batch);
  RowPass pass(backend, replacement, out, options);
  for (std::size_t begin = 0; begin < order.size(); begin += batch) {
    if (options.cancel.stop_requested()) {
      fail(ErrorCode::Cancelled, "tracing was stopped");
    }
    pass.run(targets, std::span(order).subspan(begin, std::min(batch, order.size() - begin)));
  }
}

double row_residual(const RowTarget& target, ConstMatRef rows, std::size_t row) {
  double sum = target.bias;
  double size = std::abs(target.bias);
  const auto add = [&](const auto& values) {
    for (const auto x : values) {
      sum += static_cast<double>(x);
      size += std::abs(static_cast<double>(x));
    }
  };
  if (rows.dtype == DType::F64) {
    add(rows.as<const double>().row(row));
  } else {
    add(rows.as<const float>().row(row));
  }
  return std::abs(target.value - sum) / std::max(1e-6, size);
}

}  // namespace cajal
