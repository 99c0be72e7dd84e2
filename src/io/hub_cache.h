// Models that Hugging Face tools have downloaded to this machine. Nothing is ever downloaded here.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cajal {

/// Whether `text` has the form "org/name" of the hub.
bool is_hub_name(std::string_view text) noexcept;

/// Where the cache may be, first choice first: $HF_HUB_CACHE, $HF_HOME/hub,
/// $XDG_CACHE_HOME/huggingface/hub, ~/.cache/huggingface/hub (the first variable that is set wins).
std::optional<std::filesystem::path> hub_cache_folder();

/// The folder of a model in the cache: its snapshot of `revision`, a branch, a tag or a full
/// commit; "main" unless given. nullopt if it is not there. Throws InvalidArgument for names that
/// are not of the hub's form, such as "../x".
std::optional<std::filesystem::path> find_in_hub_cache(
    std::string_view name, std::optional<std::string_view> revision = std::nullopt);

}  // namespace cajal
