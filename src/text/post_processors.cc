#include "text/post_processors.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/utf8.h"
#include "text/component.h"
#include "text/unicode.h"
#include "text/vocabulary.h"

namespace cajal {
namespace {

constexpr char32_t kByteLevelSpace = 0x120;

TokenId read_id(const Json& json, std::string_view where) {
  const std::int64_t id = json.as_int(where);
  if (id < 0 || id >= Vocabulary::kMostTokens) {
    fail(ErrorCode::CorruptData, "{}: {} is no token id", where, id);
  }
  return static_cast<TokenId>(id);
}

PostProcessing make_byte_level(const Component& c) {
  PostProcessing out;
  out.trim_offsets = c.flag("trim_offsets", true);
  out.add_prefix_space = c.flag("add_prefix_space", true);
  return out;
}

void add_special(const Component& c, const Json& special, const std::string& where,
                 std::vector<PostProcessing::SpecialToken>& out) {
  const std::string name = special.at("id", where).as_string(where);
  const Json& known = c.at("special_tokens").at(name, c.where("special_tokens"));
  const std::string place = c.where("special_tokens") + "." + name.substr(0, 100);
  const Json::Array& ids = known.at("ids", place).as_array(place);
  const Json::Array& tokens = known.at("tokens", place).as_array(place);
  if (ids.size() != tokens.size()) {
    fail(ErrorCode::CorruptData, "{}: {} ids but {} tokens", place, ids.size(), tokens.size());
  }
  for (std::size_t i = 0; i < ids.size(); ++i) {
    out.push_back({read_id(ids[i], place), sanitize_utf8(tokens[i].as_string(place))});
  }
}

PostProcessing make_template(const Component& c) {
  PostProcessing out;
  bool behind = false;
  for (const Component& item : c.parts("single")) {
    if (const Json* special = item.json().find("SpecialToken")) {
      add_special(c, *special, item.where(), behind ? out.after : out.before);
    } else if (item.json().find("Sequence") != nullptr && !behind) {
      behind = true;
    } else {
      fail(ErrorCode::Unsupported,
           "{}: only special tokens around one text are supported in a template", item.where());
    }
  }
  if (!behind) {
    fail(ErrorCode::Unsupported, "{}: the template has no place for the text", c.where("single"));
  }
  return out;
}

PostProcessing::SpecialToken read_pair(const Component& c, std::string_view field) {
  const std::string where = c.where(field);
  const Json::Array& pair = c.at(field).as_array(where);
  if (pair.size() != 2) {
    fail(ErrorCode::CorruptData, "{}: expected a token and its id", where);
  }
  return {read_id(pair[1], where), sanitize_utf8(pair[0].as_string(where))};
}

PostProcessing make_bert(const Component& c) {
  PostProcessing out;
  out.before.push_back(read_pair(c, "cls"));
  out.after.push_back(read_pair(c, "sep"));
  return out;
}

PostProcessing make_roberta(const Component& c) {
  PostProcessing out = make_bert(c);
  out.trim_offsets = c.flag("trim_offsets", true);
  out.add_prefix_space = c.flag("add_prefix_space", true);
  return out;
}

PostProcessing make_sequence(const Component& c) {
  PostProcessing out;
  for (const Component& part : c.parts("processors")) {
    PostProcessing inner = PostProcessing::from_json(part.json(), part.where());
    out.before.insert(out.before.begin(), inner.before.begin(), inner.before.end());
    out.after.insert(out.after.end(), inner.after.begin(), inner.after.end());
    if (inner.trim_offsets) {
      out.trim_offsets = true;
      out.add_prefix_space = inner.add_prefix_space;
    }
  }
  return out;
}

struct Known {
  std::string_view type;
  PostProcessing (*make)(const Component&);
};
constexpr std::array<Known, 5> kKnown = {{{"Sequence", make_sequence},
                                          {"ByteLevel", make_byte_level},
                                          {"TemplateProcessing", make_template},
                                          {"BertProcessing", make_bert},
                                          {"RobertaProcessing", make_roberta}}};

bool counts_as_space(char32_t c) noexcept {
  return c == kByteLevelSpace || is_space(c);
}

/// Moves `at` over `count` characters of `text`, forwards or backwards, not past `limit`.
std::size_t moved_right(std::string_view text, std::size_t at, std::size_t count,
                        std::size_t limit) {
  for (; count > 0 && at < limit; --count) {
    at += decode_utf8(text.substr(at)).length;
  }
  return std::min(at, limit);
}

std::size_t moved_left(std::string_view text, std::size_t at, std::size_t count,
                       std::size_t limit) {
  for (; count > 0 && at > limit; --count) {
    do {
      --at;
    } while (at > limit && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80);
  }
  return at;
}

}  // namespace

PostProcessing PostProcessing::from_json(const Json& json, std::string_view where) {
  return make_component<PostProcessing>(json, where, kKnown, "post-processor");
}

void PostProcessing::trim(Encoding& encoding, std::string_view text) const {
  for (std::size_t i = 0; i < encoding.ids.size(); ++i) {
    const std::u32string piece = to_utf32(encoding.pieces[i]);
    const auto first = std::find_if_not(piece.begin(), piece.end(), counts_as_space);
    const auto last = std::find_if_not(piece.rbegin(), piece.rend(), counts_as_space);
    auto leading = static_cast<std::size_t>(first - piece.begin());
    const auto trailing = static_cast<std::size_t>(last - piece.rbegin());
    TokenSpan& span = encoding.offsets[i];
    if (leading > 0 && add_prefix_space && (i == 0 || span.begin == 0)) {
      --leading;  // the space that was put in front of the text
    }
    span.begin = moved_right(text, span.begin, leading, span.end);
    span.end = moved_left(text, span.end, trailing, span.begin);
  }
}

}  // namespace cajal
