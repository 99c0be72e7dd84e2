// Where the files of a model keep their chat template.
#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/file.h"
#include "base/utf8.h"
#include "text/chat_template.h"

namespace cajal {
namespace {

namespace fs = std::filesystem;

/// "chat_template" of a JSON file: a text, a list of {name, template}, or an object of them.
std::vector<NamedTemplate> templates_of(const Json& config, const std::string& where) {
  const Json* found = config.find_value("chat_template");
  if (found == nullptr) {
    return {};
  }
  const std::string field = where + ": chat_template";
  std::vector<NamedTemplate> out;
  if (found->is_string()) {
    out.push_back({"default", found->as_string(field)});
  } else if (found->is_object()) {
    for (const auto& [name, source] : found->as_object(field)) {
      out.push_back({name, source.as_string(field)});
    }
  } else {
    for (const Json& one : found->as_array(field)) {
      out.push_back({one.at("name", field).as_string(field + ".name"),
                     one.at("template", field).as_string(field + ".template")});
    }
  }
  return out;
}

std::vector<NamedTemplate> jinja_files(const fs::path& folder) {
  std::vector<NamedTemplate> out;
  out.push_back({"default", read_file(folder / "chat_template.jinja")});
  const fs::path more = folder / "additional_chat_templates";
  if (fs::is_directory(more)) {
    for (const auto& entry : fs::directory_iterator(more)) {
      if (entry.path().extension() == ".jinja") {
        out.push_back({entry.path().stem().string(), read_file(entry.path())});
      }
    }
    std::sort(out.begin() + 1, out.end(),
              [](const auto& a, const auto& b) { return a.name < b.name; });
  }
  return out;
}

/// What the folder's JSON files say; earlier files win.
SpecialTokens special_tokens_in(const fs::path& folder) {
  SpecialTokens out;
  for (const char* file : {"tokenizer_config.json", "special_tokens_map.json"}) {
    if (!fs::is_regular_file(folder / file)) {
      continue;
    }
    for (auto& token : special_tokens_of(Json::load(folder / file), (folder / file).string())) {
      const auto same = [&](const auto& known) { return known.first == token.first; };
      if (std::ranges::none_of(out, same)) {
        out.push_back(std::move(token));
      }
    }
  }
  return out;
}

std::optional<ChatTemplate> from_json_file(const fs::path& path) {
  std::vector<NamedTemplate> found = templates_of(Json::load(path), path.string());
  if (found.empty()) {
    return std::nullopt;
  }
  return ChatTemplate(std::move(found), special_tokens_in(path.parent_path()), path.string());
}

}  // namespace

SpecialTokens special_tokens_of(const Json& config, std::string_view where) {
  constexpr auto kNames = std::to_array<std::string_view>(
      {"bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"});
  SpecialTokens out;
  for (const std::string_view name : kNames) {
    const Json* token = config.find_value(name);
    if (token == nullptr) {
      continue;
    }
    const std::string field = fmt::format("{}: {}", where, name);
    const Json& text = token->is_object() ? token->at("content", field) : *token;
    out.emplace_back(std::string(name), sanitize_utf8(text.as_string(field)));
  }
  return out;
}

std::optional<ChatTemplate> load_chat_template(const fs::path& path) {
  if (!fs::exists(path)) {
    fail(ErrorCode::NotFound, "{}: no such file or folder", path.string());
  }
  if (fs::is_regular_file(path)) {
    if (path.extension() == ".json") {
      return from_json_file(path);
    }
    return ChatTemplate(read_file(path), special_tokens_in(path.parent_path()), path.string());
  }
  if (fs::is_regular_file(path / "chat_template.jinja")) {
    return ChatTemplate(jinja_files(path), special_tokens_in(path),
                        (path / "chat_template.jinja").string());
  }
  for (const char* file : {"tokenizer_config.json", "chat_template.json"}) {
    if (fs::is_regular_file(path / file)) {
      if (auto found = from_json_file(path / file)) {
        return found;
      }
    }
  }
  return std::nullopt;
}

}  // namespace cajal
