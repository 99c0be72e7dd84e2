#include "text/pre_tokenizers.h"

#include <array>
#include <string>
#include <utility>

#include "base/error.h"
#include "base/utf8.h"
#include "text/component.h"
#include "text/cutting_pre_tokenizers.h"
#include "text/rewriting_pre_tokenizers.h"
#include "text/unicode.h"

namespace cajal {
namespace {

using Made = std::unique_ptr<const PreTokenizer>;

class PreTokenizerSequence : public PreTokenizer {
 public:
  explicit PreTokenizerSequence(std::vector<Made> parts) : parts_(std::move(parts)) {}
  void apply(PreTokenized& text) const override {
    for (const Made& part : parts_) {
      if (text.text.growth != nullptr) {
        text.text.growth->work(text.text.text.size(), "Sequence");
      }
      part->apply(text);
    }
  }

 private:
  std::vector<Made> parts_;
};

SplitBehavior read_behavior(const Component& c) {
  const std::string name = c.text("behavior", "Isolated");
  constexpr std::array<std::pair<std::string_view, SplitBehavior>, 5> kNames = {
      {{"Removed", SplitBehavior::Removed},
       {"Isolated", SplitBehavior::Isolated},
       {"MergedWithPrevious", SplitBehavior::MergedWithPrevious},
       {"MergedWithNext", SplitBehavior::MergedWithNext},
       {"Contiguous", SplitBehavior::Contiguous}}};
  for (const auto& [known, behavior] : kNames) {
    if (name == known) {
      return behavior;
    }
  }
  fail(ErrorCode::Unsupported, "{}: the behaviour '{}' is not supported", c.where("behavior"),
       name.substr(0, 100));
}

char32_t read_character(const Component& c, std::string_view field) {
  const std::u32string text = to_utf32(c.text(field));
  if (text.size() != 1) {
    fail(ErrorCode::CorruptData, "{}: expected one character, found {}", c.where(field),
         text.size());
  }
  return text.front();
}

PrependScheme read_scheme(const Component& c) {
  if (c.json().find_value("prepend_scheme") == nullptr) {  // files before 2024
    return c.flag("add_prefix_space", true) ? PrependScheme::Always : PrependScheme::Never;
  }
  const std::string name = c.text("prepend_scheme");
  if (name == "always") {
    return PrependScheme::Always;
  }
  if (name == "never") {
    return PrependScheme::Never;
  }
  if (name == "first") {
    return PrependScheme::First;
  }
  fail(ErrorCode::Unsupported, "{}: '{}' is not supported", c.where("prepend_scheme"),
       name.substr(0, 100));
}

Made read_split(const Component& c, ByteSpelling) {
  return make_split(Pattern::from_json(c.at("pattern"), c.where("pattern")), read_behavior(c),
                    c.flag("invert", false));
}

Made read_delimiter_split(const Component& c, ByteSpelling) {
  std::string delimiter;
  append_utf8(delimiter, read_character(c, "delimiter"));
  return make_split(Pattern::literal(delimiter), SplitBehavior::Removed, false);
}

Made read_digits(const Component& c, ByteSpelling) {
  const bool individual = c.flag("individual_digits", false);
  return make_character_split(is_numeric,
                              individual ? SplitBehavior::Isolated : SplitBehavior::Contiguous);
}

Made read_punctuation(const Component& c, ByteSpelling) {
  return make_character_split(is_old_punctuation, read_behavior(c));
}

Made read_white_space_split(const Component&, ByteSpelling) {
  return make_character_split(is_space, SplitBehavior::Removed);
}

Made read_bert(const Component& c, ByteSpelling spelling) {
  std::vector<Made> parts;
  parts.push_back(read_white_space_split(c, spelling));
  parts.push_back(make_character_split(is_old_punctuation, SplitBehavior::Isolated));
  return std::make_unique<PreTokenizerSequence>(std::move(parts));
}

Made read_metaspace(const Component& c, ByteSpelling) {
  return make_metaspace(read_character(c, "replacement"), read_scheme(c), c.flag("split", true));
}

Made read_byte_level(const Component& c, ByteSpelling spelling) {
  return make_byte_level(c.flag("add_prefix_space", true), c.flag("use_regex", true), spelling);
}

Made read_sequence(const Component& c, ByteSpelling last) {
  std::vector<Made> parts;
  const std::vector<Component> components = c.parts("pretokenizers");
  for (std::size_t i = 0; i < components.size(); ++i) {
    const ByteSpelling spelling = i + 1 == components.size() ? last : ByteSpelling::Alphabet;
    Made made = make_pre_tokenizer(components[i].json(), components[i].where(), spelling);
    if (made != nullptr) {
      parts.push_back(std::move(made));
    }
  }
  return std::make_unique<PreTokenizerSequence>(std::move(parts));
}

struct Known {
  std::string_view type;
  Made (*build)(const Component&, ByteSpelling);
  ByteSpelling spelling = ByteSpelling::Alphabet;
  Made make(const Component& c) const { return build(c, spelling); }
};

std::array<Known, 11> known_types(ByteSpelling last) {
  return {{{"Sequence", read_sequence, last},
           {"ByteLevel", read_byte_level, last},
           {"Split", read_split, last},
           {"Metaspace", read_metaspace, last},
           {"Digits", read_digits, last},
           {"Punctuation", read_punctuation, last},
           {"Whitespace",
            [](const Component&, ByteSpelling) -> Made { return make_words_and_signs(); }, last},
           {"WhitespaceSplit", read_white_space_split, last},
           {"BertPreTokenizer", read_bert, last},
           {"CharDelimiterSplit", read_delimiter_split, last},
           {"UnicodeScripts",
            [](const Component&, ByteSpelling) -> Made { return make_unicode_scripts(); }, last}}};
}

}  // namespace

std::unique_ptr<const PreTokenizer> make_pre_tokenizer(const Json& json, std::string_view where,
                                                       ByteSpelling last) {
  return make_component<Made>(json, where, known_types(last), "pre-tokenizer");
}

bool ends_in_byte_level(const Json& json) {
  const Json* const type = json.find("type");
  if (type == nullptr || !type->is_string()) {
    return false;
  }
  const Json* const parts = json.find("pretokenizers");
  if (parts != nullptr && parts->is_array() && !parts->as_array("").empty()) {
    return ends_in_byte_level(parts->as_array("").back());
  }
  return type->as_string("") == "ByteLevel";
}

}  // namespace cajal
