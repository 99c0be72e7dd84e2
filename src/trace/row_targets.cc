// What the rows of a graph can be about.
#include <algorithm>
#include <tuple>

#include "base/error.h"
#include "trace/local_replacement.h"

namespace cajal {
namespace {

constexpr std::size_t kHeadBlock = 1024;  // rows of the head at a time

double dot(std::span<const double> direction, ConstMatRef m, std::size_t row) {
  double sum = 0.0;
  for (std::size_t c = 0; c < direction.size(); ++c) {
    sum += direction[c] * element(m, row, c);
  }
  return sum;
}

/// The sums of the columns of m [rows, cols], block by block.
std::vector<double> column_sums(ConstMatRef m) {
  std::vector<double> out(m.cols, 0.0);
  for (std::size_t begin = 0; begin < m.rows; begin += kHeadBlock) {
    const std::size_t count = std::min(kHeadBlock, m.rows - begin);
    Matrix block = Matrix::host(count, m.cols, DType::F64);
    convert(m.row_range(begin, count), block.ref());
    const auto rows = block.as<double>();
    for (std::size_t r = 0; r < count; ++r) {
      for (std::size_t c = 0; c < m.cols; ++c) {
        out[c] += rows.at(r, c);
      }
    }
  }
  return out;
}

std::vector<double> row_sums(ConstMatRef m) {
  std::vector<double> out(m.rows, 0.0);
  for (std::size_t r = 0; r < m.rows; ++r) {
    for (std::size_t c = 0; c < m.cols; ++c) {
      out[r] += element(m, r, c);
    }
  }
  return out;
}

}  // namespace

std::optional<std::size_t> LocalReplacement::find(std::size_t layer, std::size_t position,
                                                  std::size_t feature) const {
  const auto key = [](const ActiveFeature& f) {
    return std::tuple<std::size_t, std::size_t, std::size_t>(f.layer, f.position, f.feature);
  };
  const std::tuple wanted(layer, position, feature);
  const auto at =
      std::lower_bound(features_.begin(), features_.end(), wanted,
                       [&](const ActiveFeature& f, const auto& k) { return key(f) < k; });
  return at != features_.end() && key(*at) == wanted
             ? std::optional(static_cast<std::size_t>(at - features_.begin()))
             : std::nullopt;
}

RowTarget LocalReplacement::feature_target(std::size_t i) const {
  check(i < features_.size(), "there is no active feature {}; {} fire", i, features_.size());
  const ActiveFeature& f = features_[i];
  const Layer& l = layers_[f.layer];
  const DictionaryLayer& d = *dictionary_layer(f.layer);
  const std::vector<float> encoder = dictionary_->encoder_row(*l.index, f.feature);
  const double scale =
      d.feature_scale.empty() ? 1.0 : static_cast<double>(d.feature_scale[f.feature]);
  RowTarget out = {.point = l.input, .position = f.position};
  auto bias = static_cast<double>(d.b_enc[f.feature]);
  for (std::size_t c = 0; c < encoder.size(); ++c) {
    const auto w = static_cast<double>(encoder[c]);
    out.direction.push_back(w * d.input_scale * scale);
    bias -= d.pre_bias.empty() ? 0.0 : w * static_cast<double>(d.pre_bias[c]);
  }
  out.bias = bias * scale;
  out.value = dot(out.direction, l.x_in.ref(), f.position) + out.bias;
  return out;
}

void LocalReplacement::check_position(std::size_t position) const {
  check(position < tokens_.size(), "there is no position {}: the prompt has {} tokens", position,
        tokens_.size());
  check(options_.logits == LogitRows::All || position + 1 == tokens_.size(),
        "the logits at position {} were not computed, only those at the last", position);
}

RowTarget LocalReplacement::head_target(std::vector<double> direction, double bias,
                                        std::size_t position) const {
  const std::size_t row = options_.logits == LogitRows::All ? position : 0;
  RowTarget out = {.position = position, .direction = std::move(direction), .bias = bias};
  out.value = dot(out.direction, final_norm_.ref(), row) + bias;
  return out;
}

RowTarget LocalReplacement::direction_target(std::vector<double> direction,
                                             std::size_t position) const {
  check_position(position);
  check(direction.size() == model_->config().d_model,
        "the direction has {} numbers, but the model's width is {}", direction.size(),
        model_->config().d_model);
  return head_target(std::move(direction), 0.0, position);
}

/// The head's weights of a token and, last, its bias.
std::vector<double> LocalReplacement::head_row(TokenId token) const {
  const ModelConfig& config = model_->config();
  const Projection& head = model_->weights().head;
  check(token >= 0 && static_cast<std::size_t>(token) < config.vocab,
        "there is no token {}: the vocabulary has {}", token, config.vocab);
  const auto t = static_cast<std::size_t>(token);
  std::vector<double> out;
  out.reserve(config.d_model + 1);
  for (std::size_t c = 0; c < config.d_model; ++c) {
    out.push_back(config.logit_multiplier *
                  (head.input_major ? element(head.weight, c, t) : element(head.weight, t, c)));
  }
  out.push_back(head.bias ? config.logit_multiplier * element(head.bias, 0, t) : 0.0);
  return out;
}

RowTarget LocalReplacement::logit_target(TokenId token, std::size_t position) {
  check_position(position);
  std::vector<double> direction = head_row(token);
  if (mean_head_row_.empty()) {
    const Projection& head = model_->weights().head;
    const ModelConfig& config = model_->config();
    mean_head_row_ = head.input_major ? row_sums(head.weight) : column_sums(head.weight);
    mean_head_row_.push_back(head.bias ? row_sums(head.bias)[0] : 0.0);
    for (double& x : mean_head_row_) {
      x *= config.logit_multiplier / static_cast<double>(config.vocab);
    }
  }
  for (std::size_t c = 0; c < direction.size(); ++c) {
    direction[c] -= mean_head_row_[c];
  }
  const double bias = direction.back();
  direction.pop_back();
  return head_target(std::move(direction), bias, position);
}

RowTarget LocalReplacement::difference_target(TokenId token, TokenId other,
                                              std::size_t position) const {
  check_position(position);
  std::vector<double> direction = head_row(token);
  const std::vector<double> less = head_row(other);
  for (std::size_t c = 0; c < direction.size(); ++c) {
    direction[c] -= less[c];
  }
  const double bias = direction.back();
  direction.pop_back();
  return head_target(std::move(direction), bias, position);
}

}  // namespace cajal
