#include "model/points.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/closest.h"
#include "base/error.h"
#include "base/whole_number.h"

namespace cajal {
namespace {

struct KindName {
  PointKind kind;
  std::string_view name;
  std::string_view alias;  // TransformerLens, after "blocks.L." where the kind has a layer
};

constexpr std::array<KindName, kPointKinds> kNames = {{
    {PointKind::Embeddings, "embeddings", "hook_embed"},
    {PointKind::ResidPre, "resid_pre", "hook_resid_pre"},
    {PointKind::AttnIn, "attn_in", "attn.hook_in"},
    {PointKind::Q, "q", "attn.hook_rot_q"},
    {PointKind::K, "k", "attn.hook_rot_k"},
    {PointKind::Value, "value", "attn.hook_v"},
    {PointKind::AttnScores, "attn_scores", "attn.hook_attn_scores"},
    {PointKind::AttnProbs, "attn_probs", "attn.hook_pattern"},
    {PointKind::Z, "z", "attn.hook_z"},
    {PointKind::AttnOut, "attn_out", "attn.hook_out"},
    {PointKind::AttnOutPost, "attn_out_post", "hook_attn_out"},
    {PointKind::ResidMid, "resid_mid", "hook_resid_mid"},
    {PointKind::MlpIn, "mlp_in", "mlp.hook_in"},
    {PointKind::MlpInNormalized, "mlp_in_normalized", "ln2.hook_normalized"},
    {PointKind::MlpPre, "mlp_pre", "mlp.hook_pre"},
    {PointKind::MlpAct, "mlp_act", "mlp.hook_post"},
    {PointKind::RouterLogits, "router_logits", "mlp.hook_router_logits"},
    {PointKind::RouterWeights, "router_weights", "mlp.hook_expert_weights"},
    {PointKind::RouterIndex, "router_index", "mlp.hook_expert_indices"},
    {PointKind::MlpOut, "mlp_out", "mlp.hook_out"},
    {PointKind::MlpOutPost, "mlp_out_post", "hook_mlp_out"},
    {PointKind::ResidPost, "resid_post", "hook_resid_post"},
    {PointKind::FinalNorm, "final_norm", "ln_final.hook_out"},
    {PointKind::LogitsPresoftcap, "logits_presoftcap", "unembed.hook_presoftcap"},
    {PointKind::Logits, "logits", "lm_head"},
}};

const KindName& entry_of(PointKind kind) {
  return kNames[static_cast<std::size_t>(kind)];
}

bool exists(PointKind kind, const ModelConfig& c) {
  const bool mixture = c.mixture.experts != 0;
  switch (kind) {
    case PointKind::AttnOutPost:
    case PointKind::MlpOutPost:
      return c.branch_is_changed();
    case PointKind::ResidMid:
      return !c.parallel;
    case PointKind::MlpInNormalized:
      return c.norm_before;
    case PointKind::MlpPre:
    case PointKind::MlpAct:
      return !mixture;
    case PointKind::RouterLogits:
    case PointKind::RouterWeights:
    case PointKind::RouterIndex:
      return mixture;
    case PointKind::LogitsPresoftcap:
      return c.logits_are_changed();
    case PointKind::Embeddings:
    case PointKind::ResidPre:
    case PointKind::AttnIn:
    case PointKind::Q:
    case PointKind::K:
    case PointKind::Value:
    case PointKind::AttnScores:
    case PointKind::AttnProbs:
    case PointKind::Z:
    case PointKind::AttnOut:
    case PointKind::MlpIn:
    case PointKind::MlpOut:
    case PointKind::ResidPost:
    case PointKind::FinalNorm:
    case PointKind::Logits:
      break;
  }
  return true;
}

/// hook_attn_out and hook_mlp_out are what is added: the plain output where nothing follows it.
PointKind resolve(PointKind kind, const ModelConfig& c) {
  if (!c.branch_is_changed() && kind == PointKind::AttnOutPost) {
    return PointKind::AttnOut;
  }
  if (!c.branch_is_changed() && kind == PointKind::MlpOutPost) {
    return PointKind::MlpOut;
  }
  return kind;
}

std::optional<Point> parse_alias(std::string_view name, const ModelConfig& c) {
  std::optional<std::size_t> layer;
  if (name.starts_with("blocks.")) {
    name.remove_prefix(7);
    const std::size_t dot = name.find('.');
    if (dot == std::string_view::npos) {
      return std::nullopt;
    }
    layer = whole_number(name.substr(0, dot));
    name.remove_prefix(dot + 1);
    if (!layer) {
      return std::nullopt;
    }
  }
  if (layer && *layer < c.layers && !c.layer[*layer].rope) {  // nothing rotates: no other name
    name = name == "attn.hook_q" ? "attn.hook_rot_q" : name;
    name = name == "attn.hook_k" ? "attn.hook_rot_k" : name;
  }
  if (name == "hook_embed" && c.learned_positions) {
    return std::nullopt;  // there it is the embedding without positions, which is no point here
  }
  for (const KindName& entry : kNames) {
    if (entry.alias == name && has_layer(entry.kind) == layer.has_value()) {
      return Point{resolve(entry.kind, c), layer.value_or(0)};
    }
  }
  return std::nullopt;
}

std::optional<Point> parse_standard(std::string_view name) {
  const std::size_t dot = name.rfind('.');
  const std::string_view stem = name.substr(0, dot);
  for (const KindName& entry : kNames) {
    if (entry.name != stem) {
      continue;
    }
    if (!has_layer(entry.kind)) {
      return dot == std::string_view::npos ? std::optional<Point>({entry.kind, 0}) : std::nullopt;
    }
    if (dot != std::string_view::npos) {
      if (const auto layer = whole_number(name.substr(dot + 1))) {
        return Point{entry.kind, *layer};
      }
    }
  }
  return std::nullopt;
}

std::string closest_point(std::string_view name, const ModelConfig& config) {
  std::vector<std::string> names;
  for (const Point point : points_of(config)) {
    names.push_back(name_of(point));
  }
  return closest(name, names);
}

void change_row(const RowEdit& edit, std::span<double> row) {
  for (std::size_t c = 0; c < row.size(); ++c) {
    const auto given = [&] { return edit.value.size() == 1 ? edit.value[0] : edit.value[c]; };
    switch (edit.kind) {
      case EditKind::Set:
        row[c] = given();
        break;
      case EditKind::Add:
        row[c] += given();
        break;
      case EditKind::Scale:
        row[c] *= edit.factor;
        break;
    }
  }
}

/// Applies the edit to the rows it names; the value may be f32 or f64.
template <typename T>
void change_rows(const RowEdit& edit, MatrixView<T> value, const PointContext& context) {
  std::vector<double> row(value.cols);
  // Attention patterns have T rows per head, everything else one row per token.
  for (std::size_t r = 0; r < value.rows; ++r) {
    const std::size_t token = r % context.positions.size();
    const std::int32_t position = context.positions[token];
    if (context.sequences[token] != edit.sequence || position < edit.begin ||
        position >= edit.end) {
      continue;
    }
    check(edit.kind == EditKind::Scale || edit.value.size() == 1 || edit.value.size() == value.cols,
          "edit of {}: has {} values, the point has {} columns", name_of(context.point),
          edit.value.size(), value.cols);
    std::copy(value.row(r).begin(), value.row(r).end(), row.begin());
    change_row(edit, row);
    std::transform(row.begin(), row.end(), value.row(r).begin(),
                   [](double x) { return static_cast<T>(x); });
  }
}

}  // namespace

bool has_layer(PointKind kind) noexcept {
  return kind != PointKind::Embeddings && kind != PointKind::FinalNorm &&
         kind != PointKind::LogitsPresoftcap && kind != PointKind::Logits;
}

std::string name_of(Point point) {
  const std::string_view name = entry_of(point.kind).name;
  return has_layer(point.kind) ? fmt::format("{}.{}", name, point.layer) : std::string(name);
}

std::vector<Point> points_of(const ModelConfig& config) {
  std::vector<Point> out = {{PointKind::Embeddings, 0}};
  for (std::size_t layer = 0; layer < config.layers; ++layer) {
    for (const KindName& entry : kNames) {
      if (has_layer(entry.kind) && exists(entry.kind, config)) {
        out.push_back({entry.kind, layer});
      }
    }
  }
  for (const PointKind kind :
       {PointKind::FinalNorm, PointKind::LogitsPresoftcap, PointKind::Logits}) {
    if (exists(kind, config)) {
      out.push_back({kind, 0});
    }
  }
  return out;
}

std::size_t columns_of(PointKind kind, const ModelConfig& config) {
  switch (kind) {
    case PointKind::Q:
    case PointKind::Z:
      return config.q_width();
    case PointKind::K:
    case PointKind::Value:
      return config.kv_width();
    case PointKind::MlpPre:
    case PointKind::MlpAct:
      return config.d_mlp;
    case PointKind::RouterLogits:
      return config.mixture.experts;
    case PointKind::RouterWeights:
    case PointKind::RouterIndex:
      return config.mixture.active;
    case PointKind::Logits:
    case PointKind::LogitsPresoftcap:
      return config.vocab;
    case PointKind::AttnScores:
    case PointKind::AttnProbs:
      return 0;
    case PointKind::Embeddings:
    case PointKind::ResidPre:
    case PointKind::AttnIn:
    case PointKind::AttnOut:
    case PointKind::AttnOutPost:
    case PointKind::ResidMid:
    case PointKind::MlpIn:
    case PointKind::MlpInNormalized:
    case PointKind::MlpOut:
    case PointKind::MlpOutPost:
    case PointKind::ResidPost:
    case PointKind::FinalNorm:
      break;
  }
  return config.d_model;
}

Point parse_point(std::string_view name, const ModelConfig& config) {
  std::optional<Point> point = parse_standard(name);
  if (!point) {
    point = parse_alias(name, config);
  }
  if (point && exists(point->kind, config) &&
      (!has_layer(point->kind) || point->layer < config.layers)) {
    return *point;
  }
  fail(ErrorCode::NotFound, "there is no point '{}' in this {} of {} layers; did you mean '{}'?",
       name.substr(0, 100), config.family, config.layers, closest_point(name, config));
}

std::vector<PointSet::Entry>& PointSet::at(Point point) {
  const std::size_t i = index(point);
  if (wanted_.size() <= i) {
    wanted_.resize(i + 1);
  }
  wanted_[i] = true;
  return entries_[point];
}

void PointSet::read(Point point, PointReader reader) {
  at(point).push_back({nullptr, std::move(reader)});
}

void PointSet::edit(Point point, PointEditor editor) {
  at(point).push_back({std::move(editor), nullptr});
}

void PointSet::edit(Point point, RowEdit edit) {
  this->edit(point, [edit = std::move(edit)](MatRef value, const PointContext& context) {
    if (value.dtype == DType::F64) {
      change_rows(edit, value.as<double>(), context);
    } else {
      change_rows(edit, value.as<float>(), context);
    }
  });
}

bool PointSet::edits(Point point) const {
  if (!wants(point)) {
    return false;
  }
  const auto& entries = entries_.at(point);
  return std::any_of(entries.begin(), entries.end(),
                     [](const Entry& entry) { return entry.edit != nullptr; });
}

std::size_t PointSet::layers_needed(std::size_t layers) const {
  std::size_t out = 0;
  for (const auto& [point, entries] : entries_) {
    if (has_layer(point.kind)) {
      out = std::max(out, point.layer + 1);
    } else if (point.kind != PointKind::Embeddings) {
      return layers;
    }
  }
  return std::min(out, layers);
}

PointSet PointSet::only_edits() const {
  PointSet out;
  for (const auto& [point, entries] : entries_) {
    for (const Entry& entry : entries) {
      if (entry.edit) {
        out.edit(point, entry.edit);
      }
    }
  }
  return out;
}

void PointSet::run(MatRef value, const PointContext& context) const {
  const auto it = entries_.find(context.point);
  if (it == entries_.end()) {
    return;
  }
  for (const Entry& entry : it->second) {
    if (entry.edit) {
      entry.edit(value, context);
    }
  }
  for (const Entry& entry : it->second) {
    if (entry.read) {
      entry.read(value, context);
    }
  }
}

}  // namespace cajal
