#include "service/names.h"

#include <algorithm>
#include <charconv>
#include <unordered_map>

#include "base/error.h"
#include "base/utf8.h"
#include "io/json.h"

namespace cajal {
namespace {

using NameMap = std::unordered_map<TokenId, std::string>;

/// Names joined by spaces; the tokenizer must outlive it.
class NamesDecoding final : public Decoding {
 public:
  NamesDecoding(const Tokenizer& names, SkipSpecial skip) : names_(names), skip_(skip) {}

  void push(TokenId id, std::string& out) override {
    const std::string_view name = names_.piece(id);
    if (name.empty() || (skip_ == SkipSpecial::Yes && names_.is_special(id))) {
      return;
    }
    out += first_ ? "" : " ";
    out += name;
    first_ = false;
  }
  void finish(std::string& /*out*/) override {}

 private:
  const Tokenizer& names_;
  SkipSpecial skip_;
  bool first_ = true;
};

class Names final : public Tokenizer {
 public:
  Names(NameMap names, std::span<const TokenId> special, std::string file)
      : names_(std::move(names)), special_(special.begin(), special.end()), file_(std::move(file)) {
    for (const auto& [id, name] : names_) {
      ids_.emplace(name, id);
      size_ = std::max(size_, static_cast<std::size_t>(id) + 1);
    }
  }

  Encoding encode(std::string_view /*text*/, const EncodeOptions& /*options*/) const override {
    fail_encode();
  }
  std::vector<TokenId> encode_ids(std::string_view /*text*/,
                                  const EncodeOptions& /*options*/) const override {
    fail_encode();
  }
  std::unique_ptr<Decoding> start_decoding(SkipSpecial skip, Show /*show*/) const override {
    return std::make_unique<NamesDecoding>(*this, skip);
  }
  /// With the blank that stands before a name in a text.
  std::string bytes_of(TokenId id) const override {
    return has(id) ? " " + std::string(piece(id)) : std::string();
  }
  std::size_t vocab_size() const override { return size_; }
  bool has(TokenId id) const override { return names_.contains(id); }
  std::optional<TokenId> id_of(std::string_view piece) const override {
    const auto it = ids_.find(piece);
    return it == ids_.end() ? std::nullopt : std::optional(it->second);
  }
  std::string_view piece(TokenId id) const override {
    const auto it = names_.find(id);
    return it == names_.end() ? std::string_view() : std::string_view(it->second);
  }
  bool is_special(TokenId id) const override {
    return std::find(special_.begin(), special_.end(), id) != special_.end();
  }
  std::span<const AddedToken> added_tokens() const override { return {}; }
  std::string description() const override {
    return fmt::format("{} names, {}", names_.size(), file_);
  }

 private:
  [[noreturn]] void fail_encode() const {
    fail(ErrorCode::Unsupported,
         "{}: names ids but cannot split text into them; give --ids instead of text", file_);
  }

  NameMap names_;
  std::vector<TokenId> special_;
  std::string file_;
  std::unordered_map<std::string_view, TokenId> ids_;  // views of names_
  std::size_t size_ = 0;
};

std::optional<std::int64_t> parse_id(std::string_view text) {
  std::int64_t id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole && !text.empty() ? std::optional(id) : std::nullopt;
}

/// Collects names by id.
class Collector {
 public:
  Collector(std::string file, std::size_t limit) : file_(std::move(file)), limit_(limit) {}

  void add(std::int64_t id, std::string_view name) {
    if (id < 0 || static_cast<std::size_t>(id) >= limit_) {
      fail(ErrorCode::CorruptData, "{}: names id {}, but the ids are 0 to {}", file_, id,
           limit_ - 1);
    }
    if (!names_.emplace(static_cast<TokenId>(id), sanitize_utf8(name)).second) {
      fail(ErrorCode::CorruptData, "{}: names id {} twice", file_, id);
    }
  }
  void add_member(const Json::Member& member) {
    const auto& [key, value] = member;
    if (value.is_int()) {
      add(value.as_int(file_), key);
    } else if (const auto id = parse_id(key); id && value.is_string()) {
      add(*id, value.as_string(file_));
    } else {
      fail(ErrorCode::CorruptData, "{}: '{}' is neither a name with its id nor an id with its name",
           file_, sanitize_utf8(key.substr(0, 100)));
    }
  }
  NameMap take() { return std::move(names_); }

 private:
  std::string file_;
  std::size_t limit_;
  NameMap names_;
};

/// The map itself, or the first map that an object such as {"token2id": {...}} holds.
const Json& map_in(Json&&) = delete;  // what is given back lies in what was given
const Json& map_in(const Json& json) {
  if (json.is_object()) {
    for (const auto& [name, value] : json.as_object("")) {
      if (value.is_object()) {
        return value;
      }
    }
  }
  return json;
}

}  // namespace

std::shared_ptr<const Tokenizer> load_names(const std::filesystem::path& file,
                                            std::size_t vocab_size,
                                            std::span<const TokenId> special) {
  const Json json = Json::load(file);
  const std::string name = file.string();
  Collector collector(name, vocab_size);
  const Json& names = map_in(json);
  if (names.is_array()) {
    std::int64_t id = 0;
    for (const Json& x : names.as_array(name)) {
      collector.add(id, x.as_string(fmt::format("{}: entry {}", name, id)));
      ++id;
    }
  } else if (names.is_object()) {
    for (const Json::Member& member : names.as_object(name)) {
      collector.add_member(member);
    }
  } else {
    fail(ErrorCode::CorruptData, "{}: must hold a list or a map of names, not {}", name,
         json.kind());
  }
  return std::make_shared<Names>(collector.take(), special, name);
}

}  // namespace cajal
