#include "dictionary/dictionary.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/error.h"

namespace cajal {
namespace {

constexpr std::array<std::string_view, kActivationKinds> kActivationNames = {
    "relu", "topk", "abstopk", "batchtopk", "groupmax", "jumprelu", "gated"};

/// Says what is wrong with one layer.
class LayerCheck {
 public:
  LayerCheck(const DictionaryInfo& info, const DictionaryLayer& layer)
      : info_(info), layer_(layer) {}

  void run() const {
    check_encoder();
    check_decoder();
    check_activation();
    check_finite("b_enc", layer_.b_enc);
    check_finite("b_dec", layer_.b_dec);
    check_finite("the pre-bias", layer_.pre_bias);
    check_finite("threshold", layer_.activation.threshold);
    check_finite("the scales of magnitudes", layer_.activation.magnitude_scale);
    check_finite("b_mag", layer_.activation.magnitude_bias);
    check_finite("the scales of features", layer_.feature_scale);
    require(std::isfinite(layer_.input_scale) && layer_.input_scale > 0, "the input's scale is {}",
            layer_.input_scale);
  }

 private:
  template <typename... Args>
  void require(bool condition, fmt::format_string<Args...> format, Args&&... args) const {
    if (!condition) {
      fail(ErrorCode::CorruptData, "{}: layer {}: {}", info_.name, layer_.layer,
           fmt::format(format, std::forward<Args>(args)...));
    }
  }
  void check_size(std::string_view name, std::size_t size, std::size_t want) const {
    require(size == want, "{} has {} entries, but there are {} features", name, size, want);
  }
  void check_finite(std::string_view name, std::span<const float> values) const {
    for (std::size_t i = 0; i < values.size(); ++i) {
      require(std::isfinite(values[i]), "entry {} of {} is {}, not a finite number", i, name,
              values[i]);
    }
  }
  void check_encoder() const {
    require(is_float(layer_.w_enc.matrix.dtype), "W_enc holds {}, not floating-point numbers",
            name_of(layer_.w_enc.matrix.dtype));
    require(layer_.features() != 0 && layer_.d_in() != 0,
            "W_enc is empty: {} features of {} inputs", layer_.features(), layer_.d_in());
    check_size("b_enc", layer_.b_enc.size(), layer_.features());
    require(layer_.pre_bias.empty() || layer_.pre_bias.size() == layer_.d_in(),
            "the bias subtracted from the input has {} entries, but W_enc reads {}",
            layer_.pre_bias.size(), layer_.d_in());
    const std::span<const float> scales = layer_.feature_scale;
    require(scales.empty() || scales.size() == layer_.features(),
            "there are {} scales for {} features", scales.size(), layer_.features());
    require(std::none_of(scales.begin(), scales.end(), [](float x) { return x < 0.0F; }),
            "a feature's scale is below 0");
  }
  void check_decoder() const {
    require(is_float(layer_.w_dec.dtype), "W_dec holds {}, not floating-point numbers",
            name_of(layer_.w_dec.dtype));
    require(layer_.w_dec.rows == layer_.features(), "W_dec has {} rows, but W_enc has {} features",
            layer_.w_dec.rows, layer_.features());
    require(layer_.d_out() != 0 && layer_.w_dec.cols % layer_.d_out() == 0,
            "W_dec writes {} numbers a feature, which b_dec's {} do not divide", layer_.w_dec.cols,
            layer_.d_out());
    require(layer_.targets() == 1 || info_.kind == DictionaryKind::CrossLayer,
            "W_dec writes {} numbers a feature, but b_dec has {}", layer_.w_dec.cols,
            layer_.d_out());
    require(!layer_.w_skip ||
                (layer_.w_skip.rows() == layer_.d_out() && layer_.w_skip.cols() == layer_.d_in()),
            "W_skip is [{}, {}], but should be [{}, {}]", layer_.w_skip.rows(),
            layer_.w_skip.cols(), layer_.d_out(), layer_.d_in());
    require(!layer_.undoes_scaling || layer_.d_in() == layer_.d_out() ||
                layer_.scaling == InputScaling::None,
            "an output of {} numbers cannot undo the scaling of an input of {}", layer_.d_out(),
            layer_.d_in());
  }
  void check_activation() const {
    const ActivationFunction& f = layer_.activation;
    const auto features = static_cast<double>(layer_.features());
    switch (f.kind) {
      case ActivationKind::Relu:
        break;
      case ActivationKind::GroupMax:
        require(f.k >= 1 && std::fmod(features, f.k) == 0,
                "k is {}, which does not divide {} features into groups", f.k, layer_.features());
        [[fallthrough]];
      case ActivationKind::TopK:
      case ActivationKind::AbsTopK:
        require(f.k == std::floor(f.k), "k is {}, not a whole number", f.k);
        [[fallthrough]];
      case ActivationKind::BatchTopK:
        require(f.k > 0 && f.k <= features, "k is {}, but there are {} features", f.k,
                layer_.features());
        break;
      case ActivationKind::JumpRelu:
        check_size("threshold", f.threshold.size(), layer_.features());
        break;
      case ActivationKind::Gated:
        check_size("r_mag", f.magnitude_scale.size(), layer_.features());
        check_size("b_mag", f.magnitude_bias.size(), layer_.features());
        break;
    }
  }

  const DictionaryInfo& info_;
  const DictionaryLayer& layer_;
};

/// Layer i of a CLT writes to layers i .. last, which are all as wide.
void check_crossing(const DictionaryInfo& info, std::span<const DictionaryLayer> layers) {
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const DictionaryLayer& layer = layers[i];
    if (layer.layer != layers[0].layer + i) {
      fail(ErrorCode::CorruptData, "{}: layer {} of a cross-layer transcoder is missing", info.name,
           layers[0].layer + i);
    }
    if (layer.d_out() != layers[0].d_out() || layer.targets() != layers.size() - i) {
      fail(ErrorCode::CorruptData,
           "{}: layer {} writes {} layers of width {}, but there are {} of width {} from it on",
           info.name, layer.layer, layer.targets(), layer.d_out(), layers.size() - i,
           layers[0].d_out());
    }
  }
}

void check_order(const DictionaryInfo& info, std::span<const DictionaryLayer> layers) {
  for (std::size_t i = 1; i < layers.size(); ++i) {
    if (layers[i].layer <= layers[i - 1].layer) {
      fail(ErrorCode::CorruptData, "{}: layer {} comes after layer {}", info.name, layers[i].layer,
           layers[i - 1].layer);
    }
  }
}

}  // namespace

std::string_view name_of(ActivationKind kind) noexcept {
  return kActivationNames[static_cast<std::size_t>(kind)];
}

std::string_view name_of(DictionaryKind kind) noexcept {
  switch (kind) {
    case DictionaryKind::Sae:
      return "sae";
    case DictionaryKind::Transcoder:
      return "transcoder";
    case DictionaryKind::CrossLayer:
      break;
  }
  return "clt";
}

Dictionary::Dictionary(DictionaryInfo info, std::vector<DictionaryLayer> layers,
                       std::shared_ptr<const void> owner)
    : info_(std::move(info)), layers_(std::move(layers)), owner_(std::move(owner)) {
  if (layers_.empty()) {
    fail(ErrorCode::CorruptData, "{}: a dictionary without layers", info_.name);
  }
  for (const DictionaryLayer& layer : layers_) {
    LayerCheck(info_, layer).run();
  }
  check_order(info_, layers_);
  if (info_.kind == DictionaryKind::CrossLayer) {
    check_crossing(info_, layers_);
  }
}

std::optional<std::size_t> Dictionary::index_of(std::size_t model_layer) const noexcept {
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    if (layers_[i].layer == model_layer) {
      return i;
    }
  }
  return std::nullopt;
}

std::pair<std::size_t, std::size_t> Dictionary::sources_of(std::size_t target) const noexcept {
  return {kind() == DictionaryKind::CrossLayer ? 0 : target, target + 1};
}

std::size_t Dictionary::features() const noexcept {
  std::size_t sum = 0;
  for (const DictionaryLayer& layer : layers_) {
    sum += layer.features();
  }
  return sum;
}

std::vector<std::size_t> Dictionary::feature_counts() const {
  std::vector<std::size_t> out;
  out.reserve(layers_.size());
  for (const DictionaryLayer& layer : layers_) {
    out.push_back(layer.features());
  }
  return out;
}

std::size_t Dictionary::parameters() const noexcept {
  std::size_t sum = 0;
  for (const DictionaryLayer& layer : layers_) {
    const ActivationFunction& f = layer.activation;
    sum += layer.features() * (layer.d_in() + layer.w_dec.cols + 1) + layer.d_out() +
           f.threshold.size() + f.magnitude_scale.size() + f.magnitude_bias.size() +
           layer.w_skip.rows() * layer.w_skip.cols();
  }
  return sum;
}

ConstMatRef Dictionary::decoder_row(std::size_t source, std::size_t feature,
                                    std::size_t target) const {
  const auto [begin, end] = sources_of(target);
  check(target < layers_.size() && source >= begin && source < end,
        "{}: its layer {} does not write to its layer {}", info_.name, source, target);
  const DictionaryLayer& layer = layers_[source];
  check(feature < layer.features(), "{}: layer {} has {} features, so there is no feature {}",
        info_.name, layer.layer, layer.features(), feature);
  return layer.w_dec.row_range(feature, 1)
      .col_range((target - source) * layer.d_out(), layer.d_out());
}

std::vector<float> Dictionary::encoder_row(std::size_t index, std::size_t feature) const {
  check(index < layers_.size(), "{}: there are {} layers", info_.name, layers_.size());
  const DictionaryLayer& layer = layers_[index];
  check(feature < layer.features(), "{}: layer {} has {} features, so there is no feature {}",
        info_.name, layer.layer, layer.features(), feature);
  std::vector<float> row(layer.d_in());
  for (std::size_t c = 0; c < row.size(); ++c) {
    row[c] = static_cast<float>(layer.w_enc.transposed == Transpose::No
                                    ? element(layer.w_enc.matrix, feature, c)
                                    : element(layer.w_enc.matrix, c, feature));
  }
  return row;
}

}  // namespace cajal
