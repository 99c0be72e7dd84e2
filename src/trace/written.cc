#include "trace/written.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/error.h"
#include "dictionary/encode.h"
#include "model/forward/forward_pass.h"
#include "tensor/host_matrix.h"

namespace cajal {
namespace {

template <typename T>
void add_row(ConstMatRef from, double factor, MatrixView<T> to, std::size_t row) {
  for (std::size_t c = 0; c < to.cols; ++c) {
    to.at(row, c) += static_cast<T>(factor * element(from, 0, c));
  }
}

void add_row(ConstMatRef from, double factor, MatRef to, std::size_t row) {
  if (to.dtype == DType::F64) {
    add_row(from, factor, to.as<double>(), row);
  } else {
    add_row(from, factor, to.as<float>(), row);
  }
}

}  // namespace

WrittenStream::WrittenStream(Backend& backend, const LocalReplacement& replacement,
                             std::span<const HeadSource> sources)
    : backend_(backend),
      replacement_(replacement),
      patterns_(config().layers),
      values_(config().layers) {
  lay_out(sources);
  if (!rows_.empty()) {
    run_clean();
    start(sources);
  }
}

void WrittenStream::lay_out(std::span<const HeadSource> sources) {
  for (std::size_t s = 0; s < sources.size(); ++s) {
    std::vector<std::size_t> at(sources[s].positions.begin(), sources[s].positions.end());
    for (const std::uint32_t i : sources[s].features) {
      check(i < replacement_.features().size(), "there is no active feature {}; {} fire", i,
            replacement_.features().size());
      at.push_back(replacement_.features()[i].position);
    }
    std::sort(at.begin(), at.end());
    at.erase(std::unique(at.begin(), at.end()), at.end());
    check(at.empty() || at.back() < replacement_.tokens().size(),
          "there is no position {}: the prompt has {} tokens", at.empty() ? 0 : at.back(),
          replacement_.tokens().size());
    for (const std::size_t position : at) {
      rows_.push_back({s, position});
    }
    positions_.insert(positions_.end(), at.begin(), at.end());
    starts_.push_back(rows_.size());
  }
  std::sort(positions_.begin(), positions_.end());
  positions_.erase(std::unique(positions_.begin(), positions_.end()), positions_.end());
  for (const WrittenRow& row : rows_) {
    columns_.push_back(static_cast<std::uint32_t>(
        std::lower_bound(positions_.begin(), positions_.end(), row.position) - positions_.begin()));
  }
}

/// The rows of a point where sources write.
void WrittenStream::keep(PointSet& points, Point point) {
  if (clean_.contains(point)) {
    return;
  }
  Matrix& into = clean_[point];
  points.read(point, [this, &into](ConstMatRef value, const PointContext&) {
    into = Matrix::host(positions_.size(), value.cols, value.dtype);
    for (std::size_t i = 0; i < positions_.size(); ++i) {
      convert(value.row_range(positions_[i], 1), into.ref().row_range(i, 1));
    }
  });
}

void WrittenStream::run_clean() {
  PointSet points;
  for (std::size_t l = 0; l < config().layers; ++l) {
    if (config().norm_before) {
      keep(points, {PointKind::ResidPre, l});
      keep(points, before_mlp(l));
    }
    if (config().norm_after) {
      keep(points, {PointKind::MlpOut, l});
    }
    if (config().clip_qkv != 0.0) {
      keep(points, {PointKind::Value, l});
    }
    points.read({PointKind::AttnProbs, l}, [this, l](ConstMatRef value, const PointContext&) {
      patterns_[l] = Matrix::host(value.rows, positions_.size(), value.dtype);
      for (std::size_t i = 0; i < positions_.size(); ++i) {
        convert(value.col_range(positions_[i], 1), patterns_[l].ref().col_range(i, 1));
      }
    });
  }
  keep(points, {PointKind::ResidPost, config().layers - 1});
  KvCache cache(config(), backend_, 1);
  const auto tokens = replacement_.tokens();
  const std::array<std::int32_t, 2> starts = {0, static_cast<std::int32_t>(tokens.size())};
  replacement_.model().forward(backend_, {tokens, starts}, cache,
                               {.precision = replacement_.options().precision,
                                .logits = LogitRows::None,
                                .points = &points});
}

void WrittenStream::start(std::span<const HeadSource> sources) {
  stream_ = host_zeros(rows_.size(), config().d_model, backend_.activation_dtype());
  const auto row_at = [&](std::size_t s, std::size_t position) {
    std::size_t row = starts_[s];
    while (rows_[row].position != position) {
      ++row;
    }
    return row;
  };
  for (std::size_t s = 0; s < sources.size(); ++s) {
    for (const std::uint32_t position : sources[s].positions) {
      add_row(replacement_.token_vectors().row_range(position, 1), 1.0, stream_.ref(),
              row_at(s, position));
    }
    for (const std::uint32_t i : sources[s].features) {
      written_.emplace_back(row_at(s, replacement_.features()[i].position), i);
    }
  }
}

double WrittenStream::pattern(std::size_t layer, std::size_t head, std::size_t to,
                              std::size_t row) const {
  return element(patterns_[layer].ref(), head * replacement_.tokens().size() + to, columns_[row]);
}

/// A norm with its clean denominators, biases left out: the gradient of one without gain is the
/// same linear map back as forth, and the gain comes after it.
Matrix WrittenStream::normed(Point input, const NormWeights& norm, ConstMatRef in) const {
  const Matrix& some = clean_.at(input);
  Matrix clean = Matrix::host(in.rows, in.cols, in.dtype);
  for (std::size_t r = 0; r < in.rows; ++r) {
    convert(some.ref().row_range(columns_[r], 1), clean.ref().row_range(r, 1));
  }
  Matrix out = make_matrix(backend_, in.rows, in.cols);
  ops::normalize_vjp(backend_, {.in = clean.ref(),
                                .dy = in,
                                .dx = out.ref(),
                                .kind = config().norm,
                                .epsilon = config().norm_epsilon,
                                .frozen_scale = true});
  if (norm.gain) {
    apply_gain(config(), {.gain = norm.gain, .bias = {}}, std::as_const(out).ref(), out.ref());
  }
  return out;
}

Matrix WrittenStream::input_of(std::size_t layer, ConstMatRef in) const {
  const LayerWeights& w = replacement_.model().weights().layers[layer];
  const std::size_t index = *replacement_.dictionary().index_of(layer);
  const Point point = sites_of(replacement_.dictionary(), config())[index].input;
  if (config().norm_before && point.kind == PointKind::AttnIn) {
    return normed({PointKind::ResidPre, layer}, w.attn_norm, in);
  }
  if (config().norm_before && point.kind == PointKind::MlpIn) {
    return normed(before_mlp(layer), w.mlp_norm, in);
  }
  if (config().norm_before && point.kind == PointKind::MlpInNormalized) {
    return normed(before_mlp(layer), {}, in);
  }
  Matrix out = Matrix::host(in.rows, in.cols, in.dtype);
  convert(in, out.ref());
  return out;
}

/// What arrives at the residual stream of what is written at the dictionary's output.
Matrix WrittenStream::output_of(std::size_t layer, Matrix written) const {
  const std::size_t index = *replacement_.dictionary().index_of(layer);
  const Point point = sites_of(replacement_.dictionary(), config())[index].output;
  if (point.kind == PointKind::MlpOut && config().norm_after) {
    written = normed({PointKind::MlpOut, layer},
                     replacement_.model().weights().layers[layer].mlp_post_norm,
                     std::as_const(written).ref());
  }
  if (point.kind == PointKind::MlpOut && config().residual_multiplier != 1.0) {
    ops::scale(backend_, std::as_const(written).ref(), config().residual_multiplier, written.ref());
  }
  return written;
}

void WrittenStream::take_values(std::size_t layer) {
  const LayerWeights& w = replacement_.model().weights().layers[layer];
  Matrix own;
  ConstMatRef in = std::as_const(stream_).ref();
  if (config().norm_before) {
    own = normed({PointKind::ResidPre, layer}, w.attn_norm, in);
    in = std::as_const(own).ref();
  }
  const Projection& p = w.qkv_per_head ? w.qkv_per_head : w.v;
  Matrix out = make_matrix(backend_, in.rows, p.out_width());
  ops::gemm(backend_, {.a = in,
                       .b = p.weight,
                       .out = out.ref(),
                       .transpose_b = p.input_major ? Transpose::No : Transpose::Yes,
                       .precision = replacement_.options().precision});
  if (w.qkv_per_head) {  // rows q, k, v of head 0, then of head 1, ...
    Matrix values = make_matrix(backend_, in.rows, config().kv_width());
    const std::size_t d = config().d_head;
    for (std::size_t h = 0; h < config().kv_heads; ++h) {
      convert(std::as_const(out).ref().col_range((3 * h + 2) * d, d),
              values.ref().col_range(h * d, d));
    }
    out = std::move(values);
  }
  if (config().clip_qkv != 0.0) {
    clip_values(layer, out.ref());
  }
  values_[layer] = std::move(out);
}

/// What clipping holds at its limit does not change.
void WrittenStream::clip_values(std::size_t layer, MatRef values) const {
  const Matrix& clean = clean_.at({PointKind::Value, layer});
  for (std::size_t r = 0; r < values.rows; ++r) {
    for (std::size_t c = 0; c < values.cols; ++c) {
      if (std::abs(element(clean.ref(), columns_[r], c)) >= config().clip_qkv) {
        set_element(values, r, c, 0.0);
      }
    }
  }
}

void WrittenStream::write_features(std::size_t layer) {
  const Dictionary& dictionary = replacement_.dictionary();
  const std::size_t target = *dictionary.index_of(layer);
  const auto [begin, end] = dictionary.sources_of(target);
  Matrix written = host_zeros(stream_.rows(), stream_.cols(), stream_.dtype());
  bool any = false;
  for (const auto& [row, i] : written_) {
    const ActiveFeature& f = replacement_.features()[i];
    const std::size_t source = *dictionary.index_of(f.layer);
    if (source >= begin && source < end) {
      const double factor = decoder_factor(dictionary, source, f.feature, target, {});
      add_row(dictionary.decoder_row(source, f.feature, target),
              static_cast<double>(f.activation) * factor, written.ref(), row);
      any = true;
    }
  }
  if (any) {
    const Matrix out = output_of(layer, std::move(written));
    ops::add_scaled(backend_, std::as_const(stream_).ref(), out.ref(), 1.0, stream_.ref());
  }
}

void WrittenStream::write_skip(std::size_t layer, ConstMatRef input) {
  const Dictionary& dictionary = replacement_.dictionary();
  const StoredMatrix& skip = dictionary.layers()[*dictionary.index_of(layer)].w_skip;
  if (!skip) {
    return;
  }
  Matrix written = make_matrix(backend_, input.rows, skip.rows());
  ops::gemm(backend_,
            {.a = input,
             .b = skip.matrix,
             .out = written.ref(),
             .transpose_b = skip.transposed == Transpose::No ? Transpose::Yes : Transpose::No,
             .precision = replacement_.options().precision});
  const Matrix out = output_of(layer, std::move(written));
  ops::add_scaled(backend_, std::as_const(stream_).ref(), out.ref(), 1.0, stream_.ref());
}

void WrittenStream::carry(const std::function<void(Point, ConstMatRef)>& seen) {
  if (rows_.empty()) {
    return;
  }
  const std::vector<DictionarySite> sites = sites_of(replacement_.dictionary(), config());
  for (std::size_t l = 0; l < config().layers; ++l) {
    take_values(l);
    if (const auto index = replacement_.dictionary().index_of(l)) {
      const Matrix input = input_of(l, std::as_const(stream_).ref());
      seen(sites[*index].input, input.ref());
      write_skip(l, input.ref());  // reads what came from below this layer
      write_features(l);
    }
  }
  seen({PointKind::FinalNorm, 0},
       normed({PointKind::ResidPost, config().layers - 1},
              replacement_.model().weights().final_norm, std::as_const(stream_).ref())
           .ref());
}

}  // namespace cajal
