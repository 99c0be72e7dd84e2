#include "trace/local_replacement.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/error.h"
#include "base/parallel.h"
#include "dictionary/encode.h"
#include "tensor/host_matrix.h"

namespace cajal {
namespace {

constexpr std::array kInputs = {PointKind::ResidPre, PointKind::AttnIn, PointKind::ResidMid,
                                PointKind::MlpIn, PointKind::MlpInNormalized};

/// Rows of fewer shapes: a product's set-up costs more than some zeros.
constexpr std::size_t kRowPadding = 16;
/// What sources write is kept up to this size, and else read again for each batch of rows.
constexpr std::size_t kMostSourceBytes = std::size_t{2} << 30U;

/// The rows before `first` without entries.
SparseRows without_first(const SparseRows& rows, std::size_t first) {
  SparseRows out;
  out.cols = rows.cols;
  for (std::size_t r = 0; r < rows.rows(); ++r) {
    for (std::size_t i = 0; r >= first && i < rows.row(r).size(); ++i) {
      out.append(rows.row(r).columns[i], rows.row(r).values[i]);
    }
    out.end_row();
  }
  return out;
}

template <typename T>
void scale_row(MatrixView<T> m, std::size_t row, double factor) {
  for (T& x : m.row(row)) {
    x = static_cast<T>(static_cast<double>(x) * factor);
  }
}

void scale_row(MatRef m, std::size_t row, double factor) {
  if (m.dtype == DType::F64) {
    scale_row(m.as<double>(), row, factor);
  } else {
    scale_row(m.as<float>(), row, factor);
  }
}

void check_layer(const Dictionary& dictionary, const DictionaryLayer& layer,
                 const DictionarySite& site) {
  const std::string& name = dictionary.info().name;
  const bool output =
      site.output.kind == PointKind::MlpOut || site.output.kind == PointKind::MlpOutPost;
  const bool input = std::find(kInputs.begin(), kInputs.end(), site.input.kind) != kInputs.end();
  if (!output || !input || site.input.layer != layer.layer || site.output.layer != layer.layer) {
    fail(ErrorCode::Unsupported,
         "{}: layer {} leads from {} to {}; tracing needs transcoders from the input of an MLP to "
         "its output",
         name, layer.layer, name_of(site.input), name_of(site.output));
  }
  if (layer.scaling != InputScaling::None || layer.activation.kind == ActivationKind::Gated) {
    fail(ErrorCode::Unsupported,
         "{}: layer {} scales its input token by token or is gated, which tracing cannot follow",
         name, layer.layer);
  }
}

}  // namespace

LocalReplacement::LocalReplacement(Backend& backend, std::shared_ptr<const Model> model,
                                   std::shared_ptr<const Dictionary> dictionary,
                                   std::vector<TokenId> tokens, const ReplacementOptions& options)
    : backend_(backend),
      model_(std::move(model)),
      dictionary_(std::move(dictionary)),
      tokens_(std::move(tokens)),
      options_(options),
      tape_(backend, {.mlps = false, .patterns = true}),
      layers_(model_->config().layers) {
  check(!tokens_.empty(), "there is nothing to trace: the prompt has no tokens");
  find_sites();
  run_forward();
  encode_layers();
  for (std::size_t layer = 0; layer < layers_.size(); ++layer) {
    reconstruct(layer);
  }
  for (std::size_t layer = 0; layer < layers_.size(); ++layer) {
    lay_out_sources(layer);
  }
  keep_sources();
}

void LocalReplacement::find_sites() {
  const std::vector<DictionarySite> sites = sites_of(*dictionary_, model_->config());
  for (std::size_t i = 0; i < sites.size(); ++i) {
    const DictionaryLayer& layer = dictionary_->layers()[i];
    check_layer(*dictionary_, layer, sites[i]);
    layers_[layer.layer].index = i;
    layers_[layer.layer].input = sites[i].input;
  }
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    const auto index = layers_[l].index;
    layers_[l].output = index ? sites[*index].output : Point{sites.front().output.kind, l};
  }
}

void LocalReplacement::run_forward() {
  PointSet points;
  const auto keep = [&points](Point point, Matrix& into) {
    points.read(point,
                [&into](ConstMatRef value, const PointContext&) { into = host_copy(value); });
  };
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    if (layers_[l].index) {
      keep(layers_[l].input, layers_[l].x_in);
    }
    keep(layers_[l].output, layers_[l].error);
    if (model_->config().clip_qkv != 0.0) {
      keep({PointKind::Value, l}, layers_[l].values);
    }
  }
  Matrix embeddings;
  keep({PointKind::Embeddings, 0}, embeddings);
  keep({PointKind::FinalNorm, 0}, final_norm_);
  const std::array<std::int32_t, 2> starts = {0, static_cast<std::int32_t>(tokens_.size())};
  model_->forward(backend_, {tokens_, starts}, tape_,
                  {.precision = options_.precision, .logits = options_.logits, .points = &points});
  split_embeddings(embeddings.ref());
}

void LocalReplacement::split_embeddings(ConstMatRef embeddings) {
  const ModelConfig& config = model_->config();
  token_vectors_ = make_matrix(backend_, tokens_.size(), config.d_model);
  positional_ = make_matrix(backend_, tokens_.size(), config.d_model);
  ops::gather(backend_, model_->weights().embeddings, tokens_, config.embedding_scale,
              token_vectors_.ref());
  ops::add_scaled(backend_, embeddings, token_vectors_.ref(), -1.0, positional_.ref());
}

void LocalReplacement::encode_layers() {
  for (std::size_t i = 0; i < dictionary_->layers().size(); ++i) {
    const std::size_t layer = dictionary_->layers()[i].layer;
    codes_.push_back(without_first(
        encode(backend_, *dictionary_, i, layers_[layer].x_in.ref(), options_.precision),
        options_.first_position));
    for (std::size_t p = 0; p < tokens_.size(); ++p) {
      feature_starts_.push_back(features_.size());
      const SparseRows::Row row = codes_.back().row(p);
      for (std::size_t k = 0; k < row.size(); ++k) {
        features_.push_back({static_cast<std::uint32_t>(layer), static_cast<std::uint32_t>(p),
                             row.columns[k], row.values[k]});
      }
    }
  }
}

/// [1, d_model]: b_dec as it arrives at the output.
Matrix LocalReplacement::output_bias(std::size_t layer) const {
  Matrix out = host_zeros(1, model_->config().d_model, backend_.activation_dtype());
  if (const DictionaryLayer* d = dictionary_layer(layer)) {
    const ConstMatRef b = {reinterpret_cast<const std::byte*>(d->b_dec.data()), 1, d->b_dec.size(),
                           d->b_dec.size()};
    convert(b, out.ref());
    scale_row(out.ref(), 0, d->undoes_scaling ? 1.0 / d->input_scale : 1.0);
  }
  return out;
}

/// On entry `error` holds what the MLP gave.
void LocalReplacement::reconstruct(std::size_t layer) {
  Layer& l = layers_[layer];
  const std::size_t width = model_->config().d_model;
  l.reconstruction = host_zeros(tokens_.size(), width, backend_.activation_dtype());
  if (l.index) {
    decode(backend_, *dictionary_, *l.index, codes_, l.x_in.ref(), l.reconstruction.ref());
  }
  ops::add_scaled(backend_, l.error.ref(), l.reconstruction.ref(), -1.0, l.error.ref());
  const Matrix bias = output_bias(layer);
  l.constant = make_matrix(backend_, tokens_.size(), width);
  for (std::size_t p = 0; p < tokens_.size(); ++p) {
    const MatRef constant = l.constant.ref().row_range(p, 1);
    const MatRef error = l.error.ref().row_range(p, 1);
    convert(bias.ref(), constant);
    if (p < options_.first_position) {  // the MLP less the skip path is the error plus b_dec
      ops::add_scaled(backend_, constant, error, 1.0, constant);
      ops::scale(backend_, error, 0.0, error);
    }
  }
}

std::pair<std::size_t, std::size_t> LocalReplacement::writers(std::size_t layer) const {
  const auto index = layers_[layer].index;
  return index ? dictionary_->sources_of(*index) : std::pair<std::size_t, std::size_t>{0, 0};
}

/// At each position: features, the constant, the error, padding.
void LocalReplacement::lay_out_sources(std::size_t layer) {
  Layer& l = layers_[layer];
  const auto [begin, end] = writers(layer);
  l.row_starts = {0};
  for (std::size_t p = 0; p < tokens_.size(); ++p) {
    for (std::size_t s = begin; s < end; ++s) {
      for (std::size_t k = 0; k < codes_[s].row(p).size(); ++k) {
        l.columns.push_back(
            static_cast<std::uint32_t>(feature_starts_[s * tokens_.size() + p] + k));
      }
    }
    const bool first = p < options_.first_position;
    const auto constant = first ? RowConstant::FirstPositions : RowConstant::DecoderBias;
    l.columns.push_back(
        static_cast<std::uint32_t>(counts().sources() + static_cast<std::size_t>(constant)));
    l.columns.push_back(static_cast<std::uint32_t>(counts().error(layer, p)));
    l.columns.resize((l.columns.size() + kRowPadding - 1) / kRowPadding * kRowPadding, kNoColumn);
    l.row_starts.push_back(l.columns.size());
  }
}

void LocalReplacement::keep_sources() {
  const std::size_t width = model_->config().d_model;
  std::size_t rows = 0;
  for (const Layer& l : layers_) {
    rows += l.columns.size();
  }
  if (rows > kMostSourceBytes / (width * size_of(backend_.activation_dtype()))) {
    return;
  }
  for (std::size_t layer = 0; layer < layers_.size(); ++layer) {
    Layer& l = layers_[layer];
    l.vectors = make_matrix(backend_, l.columns.size(), width);
    gather_sources(layer, 0, tokens_.size(), l.vectors.ref());
  }
}

void LocalReplacement::gather_sources(std::size_t layer, std::size_t begin, std::size_t end,
                                      MatRef out) const {
  const std::vector<std::size_t>& starts = layers_[layer].row_starts;
  parallel_for(end - begin, 1, [&](std::size_t first, std::size_t last) {
    for (std::size_t p = begin + first; p < begin + last; ++p) {
      gather_position(layer, p,
                      out.row_range(starts[p] - starts[begin], starts[p + 1] - starts[p]));
    }
  });
}

void LocalReplacement::gather_position(std::size_t layer, std::size_t position, MatRef out) const {
  const Layer& l = layers_[layer];
  const ConstMatRef x = l.index ? l.x_in.ref().row_range(position, 1) : ConstMatRef{};
  std::size_t row = 0;
  const auto [begin, end] = writers(layer);
  for (std::size_t s = begin; s < end; ++s) {
    const SparseRows::Row codes = codes_[s].row(position);
    for (std::size_t k = 0; k < codes.size(); ++k, ++row) {
      convert(dictionary_->decoder_row(s, codes.columns[k], *l.index), out.row_range(row, 1));
      scale_row(out, row,
                static_cast<double>(codes.values[k]) *
                    decoder_factor(*dictionary_, s, codes.columns[k], *l.index, x));
    }
  }
  convert(l.constant.ref().row_range(position, 1), out.row_range(row++, 1));
  convert(l.error.ref().row_range(position, 1), out.row_range(row++, 1));
  std::memset(out.row_range(row, 0).data, 0, (out.rows - row) * out.stride * size_of(out.dtype));
}

}  // namespace cajal
