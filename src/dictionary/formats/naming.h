// Layers and points from the names that people give to files and hooks. Private to src/dictionary.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cajal {

/// The number right after the last `word` in the text that has one: ("a/layer_3/x", "layer_") gives
/// 3.
std::optional<std::size_t> number_after(std::string_view text, std::string_view word);

/// The layer that a point's or hook's name has: "blocks.3.hook_mlp_out", "mlp_in.3",
/// "model.layers.3.mlp.output".
std::optional<std::size_t> layer_of_hook(std::string_view name);

/// A Hugging Face module path with what is taken of it ("model.layers.2.output") as a point's name;
/// empty if no point is that.
std::string point_of_module(std::string_view module);

/// A point by its standard name ("mlp_in.3") as TransformerLens calls it ("blocks.3.mlp.hook_in");
/// any other text as it is.
std::string hook_of_point(std::string_view point);

/// A hook's name without a layer ("hook_resid_mid", "mlp.hook_in") at a layer.
std::string hook_at(std::size_t layer, std::string_view hook);

}  // namespace cajal
