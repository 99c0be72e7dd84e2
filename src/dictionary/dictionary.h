// A dictionary of a model's concepts: sparse autoencoder (SAE), transcoder, or cross-layer
// transcoder (CLT), as one type.
//
// Per layer an encoder turns a row of the model's activations into few features that fire, and a
// decoder turns those into a reconstruction: of the same point (SAE), of another point of the layer
// (transcoder), or of that point in this and all later layers (CLT). With x a row of the input:
//
//   z = scaled(x) - pre_bias                    a = activation((W_enc z + b_enc) * feature_scale)
//   y = unscaled(sum_i a_i / feature_scale_i * W_dec_i + b_dec) + W_skip x
//
// where unscaled() does nothing unless the layer undoes_scaling.
//
// Whatever a file format means is expressed in these terms by its loader in formats/. Weights stay
// as stored, mapped: encode() streams the encoder, decode() reads the decoder's rows of features
// that fired.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dictionary/activation.h"
#include "io/json.h"
#include "ops/dense.h"
#include "tensor/matrix.h"

namespace cajal {

enum class DictionaryKind : std::uint8_t { Sae, Transcoder, CrossLayer };

/// "sae", "transcoder", "clt".
std::string_view name_of(DictionaryKind kind) noexcept;

/// A matrix [rows, cols] that may lie in its file the other way round.
struct StoredMatrix {
  ConstMatRef matrix = {};  // [rows, cols], or [cols, rows] if transposed
  Transpose transposed = Transpose::No;

  std::size_t rows() const noexcept {
    return transposed == Transpose::No ? matrix.rows : matrix.cols;
  }
  std::size_t cols() const noexcept {
    return transposed == Transpose::No ? matrix.cols : matrix.rows;
  }
  explicit operator bool() const noexcept { return static_cast<bool>(matrix); }
};

/// What happens to each row of the input by itself before anything else.
enum class InputScaling : std::uint8_t {
  None,          // x * input_scale
  LayerNorm,     // (x - mean) / (std + 1e-5), std over d - 1; undone by std and mean
  ConstantNorm,  // x * sqrt(d) / |x|; undone by the inverse
};

struct DictionaryLayer {
  std::size_t layer = 0;     // of the model
  std::string input_point;   // as parse_point() of model/points.h takes it; empty: not known
  std::string output_point;  // the same as input_point for an SAE

  StoredMatrix w_enc;        // [features, d_in]
  ConstMatRef w_dec;         // [features, targets * d_out]: columns t * d_out .. of row i are what
                             // feature i writes t layers above its own; targets is 1 but in a CLT
  StoredMatrix w_skip = {};  // [d_out, d_in], applied to x as it came; absent: none
  std::vector<float> b_enc;  // [features]; Gated: the gate's
  std::vector<float> b_dec;  // [d_out]
  std::vector<float> pre_bias = {};       // [d_in], in units of the scaled input; empty: none
  std::vector<float> feature_scale = {};  // [features], >= 0; of 0: never fires; empty: all 1
  ActivationFunction activation;

  InputScaling scaling = InputScaling::None;
  double input_scale = 1.0;     // of every row where `scaling` is None, e.g. sqrt(d) / mean |x|
  bool undoes_scaling = false;  // unscaled(): whether the output gets the input's scale back

  std::size_t features() const noexcept { return w_enc.rows(); }
  std::size_t d_in() const noexcept { return w_enc.cols(); }
  std::size_t d_out() const noexcept { return b_dec.size(); }
  std::size_t targets() const noexcept { return b_dec.empty() ? 0 : w_dec.cols / b_dec.size(); }
};

struct DictionaryInfo {
  DictionaryKind kind = DictionaryKind::Sae;
  std::string name;                     // the path it was loaded from
  std::string format;                   // which layout that was: "saelens", "circuit-tracer", ...
  std::string model_name = {};          // of the model it was learned on, as the file has it
  Json metadata = Json::object({});     // what else the files say
  std::vector<std::string> notes = {};  // what a user should know, a sentence each
};

/// Immutable: any number of threads may use one, each with its own Backend.
class Dictionary {
 public:
  /// Layers in the order of the model's, those of a CLT without gaps. `owner` keeps what the views
  /// in `layers` look at. Throws CorruptData naming `info.name`, the layer and the sizes where they
  /// do not fit each other, and for biases, thresholds and scales that are not finite.
  Dictionary(DictionaryInfo info, std::vector<DictionaryLayer> layers,
             std::shared_ptr<const void> owner);

  const DictionaryInfo& info() const noexcept { return info_; }
  DictionaryKind kind() const noexcept { return info_.kind; }
  std::span<const DictionaryLayer> layers() const noexcept { return layers_; }
  /// Place in layers() of a layer of the model; nullopt if the dictionary has none for it.
  std::optional<std::size_t> index_of(std::size_t model_layer) const noexcept;
  /// Places in layers() that write to the output of layers()[target]: all up to it in a CLT, else
  /// itself. As [begin, end).
  std::pair<std::size_t, std::size_t> sources_of(std::size_t target) const noexcept;
  /// In all layers.
  std::size_t features() const noexcept;
  /// Of each of layers().
  std::vector<std::size_t> feature_counts() const;
  std::size_t parameters() const noexcept;
  /// Of the encoders as stored.
  DType dtype() const noexcept { return layers_.front().w_enc.matrix.dtype; }

  /// What a feature of layers()[source] writes, times 1, to the output of layers()[target]: a view
  /// [1, d_out] of the file. `source` must be among sources_of(target). Where the layer has a
  /// feature_scale, an activation counts 1 / feature_scale as much.
  ConstMatRef decoder_row(std::size_t source, std::size_t feature, std::size_t target) const;
  /// What a feature reads, [d_in] as float.
  std::vector<float> encoder_row(std::size_t index, std::size_t feature) const;

 private:
  DictionaryInfo info_;
  std::vector<DictionaryLayer> layers_;
  std::shared_ptr<const void> owner_;
};

}  // namespace cajal
