#include "io/hub_cache.h"

#include <algorithm>
#include <cstdlib>

#include "base/error.h"
#include "base/file.h"
#include "io/tensor.h"

namespace cajal {
namespace {

namespace fs = std::filesystem;

std::optional<fs::path> from_environment(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value == '\0') {
    return std::nullopt;
  }
  return fs::path(value);
}

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '-' || c == '_';
}

/// A name that is one folder or file: nothing in it climbs or separates.
bool is_plain_name(std::string_view text) {
  return !text.empty() && text.size() <= 200 && std::all_of(text.begin(), text.end(), is_plain) &&
         text.find("..") == std::string_view::npos && text.front() != '.' && text.front() != '-';
}

/// Branches may have '/' in them.
bool is_revision(std::string_view text) {
  while (true) {
    const auto slash = text.find('/');
    if (!is_plain_name(text.substr(0, slash))) {
      return false;
    }
    if (slash == std::string_view::npos) {
      return true;
    }
    text.remove_prefix(slash + 1);
  }
}

/// The commit that refs/<revision> names; the revision itself if there is no such file.
std::string resolve(const fs::path& model, std::string_view revision) {
  const fs::path ref = model / "refs" / revision;
  std::error_code ignored;
  if (!fs::is_regular_file(ref, ignored)) {
    return std::string(revision);
  }
  std::string commit = read_file(ref, 1000);
  commit.erase(commit.find_last_not_of(" \t\r\n") + 1);
  if (!is_plain_name(commit)) {
    fail(ErrorCode::CorruptData, "{}: must hold a commit, but holds '{}'", ref.string(),
         printable(commit));
  }
  return commit;
}

}  // namespace

bool is_hub_name(std::string_view text) noexcept {
  const auto slash = text.find('/');
  return slash != std::string_view::npos && is_plain_name(text.substr(0, slash)) &&
         is_plain_name(text.substr(slash + 1));
}

std::optional<fs::path> hub_cache_folder() {
  if (const auto cache = from_environment("HF_HUB_CACHE")) {
    return cache;
  }
  if (const auto home = from_environment("HF_HOME")) {
    return *home / "hub";
  }
  if (const auto cache = from_environment("XDG_CACHE_HOME")) {
    return *cache / "huggingface" / "hub";
  }
  if (const auto home = from_environment("HOME")) {
    return *home / ".cache" / "huggingface" / "hub";
  }
  return std::nullopt;
}

std::optional<fs::path> find_in_hub_cache(std::string_view name,
                                          std::optional<std::string_view> revision) {
  check(is_hub_name(name), "'{}' is no name of a model on the Hugging Face hub, which is org/name",
        printable(name));
  check(is_revision(revision.value_or("main")),
        "'{}' is no revision of a model, which is a branch, a tag or a commit",
        printable(revision.value_or("")));
  const auto cache = hub_cache_folder();
  if (!cache) {
    return std::nullopt;
  }
  const auto slash = name.find('/');
  const fs::path model =
      *cache / fmt::format("models--{}--{}", name.substr(0, slash), name.substr(slash + 1));
  const std::string commit = resolve(model, revision.value_or("main"));
  const fs::path snapshot = model / "snapshots" / commit;
  std::error_code ignored;
  return fs::is_directory(snapshot, ignored) ? std::optional(snapshot) : std::nullopt;
}

}  // namespace cajal
