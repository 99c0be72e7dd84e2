#include "dictionary/formats/naming.h"

#include <array>
#include <charconv>

#include <fmt/core.h>

namespace cajal {
namespace {

std::optional<std::size_t> number_at(std::string_view text) {
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() ? std::optional(value) : std::nullopt;
}

struct ModulePoint {
  std::string_view after_layer;  // what follows "layers.N"
  std::string_view point;
};
/// What Hugging Face modules of the usual decoder give. Post-norms of a branch give what is added.
constexpr std::array<ModulePoint, 9> kModules = {{
    {".output", "resid_post.{}"},
    {"", "resid_post.{}"},
    {".input_layernorm.output", "attn_in.{}"},
    {".self_attn.o_proj.input", "z.{}"},
    {".pre_feedforward_layernorm.output", "mlp_in.{}"},
    {".post_attention_layernorm.output", "blocks.{}.hook_attn_out"},
    {".post_feedforward_layernorm.output", "blocks.{}.hook_mlp_out"},
    {".mlp.output", "mlp_out.{}"},
    {".mlp", "mlp_out.{}"},
}};

struct PointHook {
  std::string_view point;
  std::string_view hook;
};
/// The points that dictionaries are made for; model/points.h has them all, for a model that is
/// there.
constexpr std::array<PointHook, 10> kHooks = {{
    {"resid_pre", "hook_resid_pre"},
    {"resid_mid", "hook_resid_mid"},
    {"resid_post", "hook_resid_post"},
    {"z", "attn.hook_z"},
    {"attn_out", "attn.hook_out"},
    {"attn_out_post", "hook_attn_out"},
    {"mlp_in", "mlp.hook_in"},
    {"mlp_in_normalized", "ln2.hook_normalized"},
    {"mlp_out", "mlp.hook_out"},
    {"mlp_out_post", "hook_mlp_out"},
}};

}  // namespace

std::string hook_of_point(std::string_view point) {
  const std::size_t dot = point.rfind('.');
  const auto layer =
      dot == std::string_view::npos ? std::nullopt : number_at(point.substr(dot + 1));
  for (const PointHook& known : kHooks) {
    if (layer && known.point == point.substr(0, dot)) {
      return hook_at(*layer, known.hook);
    }
  }
  return std::string(point == "embeddings" ? "hook_embed" : point);
}

std::optional<std::size_t> number_after(std::string_view text, std::string_view word) {
  for (std::size_t at = text.rfind(word); at != std::string_view::npos;
       at = at == 0 ? std::string_view::npos : text.rfind(word, at - 1)) {
    if (const auto number = number_at(text.substr(at + word.size()))) {
      return number;
    }
  }
  return std::nullopt;
}

std::optional<std::size_t> layer_of_hook(std::string_view name) {
  for (const std::string_view word : {"blocks.", "layers.", "h.", "."}) {
    if (const auto layer = number_after(name, word)) {
      return layer;
    }
  }
  return std::nullopt;
}

std::string point_of_module(std::string_view module) {
  constexpr std::string_view kLayers = "layers.";
  const std::size_t at = module.rfind(kLayers);
  const auto layer =
      at == std::string_view::npos ? std::nullopt : number_at(module.substr(at + kLayers.size()));
  if (!layer) {
    return "";
  }
  std::string_view rest = module.substr(at + kLayers.size());
  rest.remove_prefix(std::to_string(*layer).size());
  for (const ModulePoint& known : kModules) {
    if (known.after_layer == rest) {
      return fmt::format(fmt::runtime(known.point), *layer);
    }
  }
  return "";
}

std::string hook_at(std::size_t layer, std::string_view hook) {
  return hook.empty() || hook.starts_with("blocks.") ? std::string(hook)
                                                     : fmt::format("blocks.{}.{}", layer, hook);
}

}  // namespace cajal
