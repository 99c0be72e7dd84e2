#include "text/special_ids.h"

#include <algorithm>
#include <initializer_list>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "io/gguf.h"
#include "io/json.h"

namespace cajal {
namespace {

namespace fs = std::filesystem;

class Collector {
 public:
  Collector(const Tokenizer* tokenizer, std::size_t vocab_size)
      : tokenizer_(tokenizer), vocab_size_(vocab_size) {}

  void add_stop(std::int64_t id, const std::string& where) {
    if (const auto valid = checked(id, where)) {
      out_.stop.push_back(*valid);
    }
  }
  void add_bos(std::int64_t id, const std::string& where) {
    if (!out_.bos) {
      out_.bos = checked(id, where);
    }
  }
  std::optional<TokenId> named(std::string_view token) const {
    return tokenizer_ == nullptr ? std::nullopt : tokenizer_->id_of(token);
  }
  SpecialIds finish() && {
    std::sort(out_.stop.begin(), out_.stop.end());
    out_.stop.erase(std::unique(out_.stop.begin(), out_.stop.end()), out_.stop.end());
    return std::move(out_);
  }

 private:
  std::optional<TokenId> checked(std::int64_t id, const std::string& where) {
    if (id < 0 || static_cast<std::uint64_t>(id) >= vocab_size_) {
      out_.notes.push_back(fmt::format(
          "{}: {} is outside the vocabulary of {} tokens and is ignored", where, id, vocab_size_));
      return std::nullopt;
    }
    return static_cast<TokenId>(id);
  }
  const Tokenizer* tokenizer_;
  std::size_t vocab_size_;
  SpecialIds out_;
};

std::optional<Json> load_if_there(const fs::path& path) {
  return fs::exists(path) ? std::optional(Json::load(path)) : std::nullopt;
}

/// A number, or a list of them.
std::vector<std::int64_t> ids_of(const Json& json, const std::string& where) {
  if (!json.is_array()) {
    return {json.as_int(where)};
  }
  std::vector<std::int64_t> out;
  for (const Json& id : json.as_array(where)) {
    out.push_back(id.as_int(where));
  }
  return out;
}

void read_config(const Json& config, const std::string& where, Collector& out) {
  if (const Json* eos = config.find_value("eos_token_id")) {
    for (const std::int64_t id : ids_of(*eos, where + ": eos_token_id")) {
      out.add_stop(id, where + ": eos_token_id");
    }
  }
  if (const Json* bos = config.find_value("bos_token_id")) {
    for (const std::int64_t id : ids_of(*bos, where + ": bos_token_id")) {
      out.add_bos(id, where + ": bos_token_id");
    }
  }
  if (const Json* text = config.find_value("text_config")) {
    read_config(*text, where + ": text_config", out);
  }
}

/// "</s>", or {"content": "</s>", ...}.
std::optional<TokenId> named_token(const Json& config, std::string_view field,
                                   const Collector& out) {
  const Json* token = config.find_value(field);
  if (token != nullptr && token->is_object()) {
    token = token->find_value("content");
  }
  return token != nullptr && token->is_string() ? out.named(token->as_string(field)) : std::nullopt;
}

void read_folder(const fs::path& folder, Collector& out) {
  for (const char* name : {"generation_config.json", "config.json"}) {
    if (const auto config = load_if_there(folder / name)) {
      read_config(*config, (folder / name).string(), out);
    }
  }
  const fs::path path = folder / "tokenizer_config.json";
  if (const auto config = load_if_there(path)) {
    if (const auto eos = named_token(*config, "eos_token", out)) {
      out.add_stop(*eos, path.string() + ": eos_token");
    }
    if (const auto bos = named_token(*config, "bos_token", out)) {
      out.add_bos(*bos, path.string() + ": bos_token");
    }
  }
}

void read_gguf(const Gguf& gguf, Collector& out) {
  constexpr std::int64_t kNone = 0xFFFFFFFF;  // how old files say that there is none
  for (const char* name : {"eos", "eot", "eom"}) {
    const std::string key = fmt::format("tokenizer.ggml.{}_token_id", name);
    if (const auto id = gguf.find_int(key); id && *id != kNone) {
      out.add_stop(*id, fmt::format("{}: {}", gguf.name(), key));
    }
  }
  const std::string key = "tokenizer.ggml.bos_token_id";
  if (const auto id = gguf.find_int(key); id && *id != kNone) {
    out.add_bos(*id, fmt::format("{}: {}", gguf.name(), key));
  }
}

}  // namespace

SpecialIds read_special_ids(const fs::path& folder_or_gguf, const Tokenizer* tokenizer,
                            std::size_t vocab_size) {
  Collector out(tokenizer, vocab_size);
  if (fs::is_directory(folder_or_gguf)) {
    read_folder(folder_or_gguf, out);
  } else {
    read_gguf(*Gguf::open(folder_or_gguf), out);
  }
  return std::move(out).finish();
}

}  // namespace cajal
