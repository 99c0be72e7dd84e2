#include "text/normalizers.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/error.h"
#include "base/utf8.h"
#include "text/component.h"
#include "text/normal_forms.h"
#include "text/pattern.h"
#include "text/precompiled.h"
#include "text/unicode.h"

namespace cajal {
namespace {

class NormalFormNormalizer : public Normalizer {
 public:
  explicit NormalFormNormalizer(NormalForm form) : form_(form) {}
  void apply(AlignedText& text) const override { normalize(text, form_); }

 private:
  NormalForm form_;
};

/// Calls change(c, builder) for each character, which keeps, replaces or skips it.
template <typename Change>
void rewrite(AlignedText& text, std::string_view component, const Change& change) {
  AlignedBuilder builder(text, component);
  while (builder.position() < text.text.size()) {
    const std::size_t at = builder.position();
    const CodePoint c = decode_utf8(std::string_view(text.text).substr(at));
    change(c.value, at + c.length, builder);
  }
  text = std::move(builder).finish();
}

template <typename Remove>
void remove_if(AlignedText& text, std::string_view component, const Remove& remove) {
  rewrite(text, component, [&](char32_t c, std::size_t end, AlignedBuilder& builder) {
    if (remove(c)) {
      builder.skip_until(end);
    } else {
      builder.keep_until(end);
    }
  });
}

void lowercase(AlignedText& text) {
  std::u32string lower;
  rewrite(text, "Lowercase", [&](char32_t c, std::size_t, AlignedBuilder& builder) {
    lower.clear();
    append_lowercase(lower, c);
    builder.replace(lower.front());
    for (const char32_t more : lower.substr(1)) {
      builder.insert(more);
    }
  });
}

class Lowercase : public Normalizer {
 public:
  void apply(AlignedText& text) const override { lowercase(text); }
};

class StripAccents : public Normalizer {
 public:
  void apply(AlignedText& text) const override { remove_if(text, "StripAccents", is_old_mark); }
};

/// The clean-up of machine-translation corpora that SentencePiece calls "nmt".
class Nmt : public Normalizer {
 public:
  void apply(AlignedText& text) const override {
    rewrite(text, "Nmt", [](char32_t c, std::size_t end, AlignedBuilder& builder) {
      if (removed(c)) {
        builder.skip_until(end);
      } else {
        builder.replace(becomes_space(c) ? U' ' : c);
      }
    });
  }

 private:
  static bool removed(char32_t c) noexcept {
    return (c >= 1 && c <= 8) || c == 0xB || (c >= 0xE && c <= 0x1F) || c == 0x7F || c == 0x8F ||
           c == 0x9F;
  }
  static bool becomes_space(char32_t c) noexcept {
    return c == 9 || c == 0xA || c == 0xC || c == 0xD || c == 0x1680 ||
           (c >= 0x200B && c <= 0x200F) || c == 0x2028 || c == 0x2029 || c == 0x2581 ||
           c == 0xFEFF || c == 0xFFFD;
  }
};

class Strip : public Normalizer {
 public:
  Strip(bool left, bool right) : left_(left), right_(right) {}
  void apply(AlignedText& text) const override {
    const std::u32string characters = to_utf32(text.text);
    const auto keep = [](char32_t c) { return !is_space(c); };
    auto first = characters.begin();
    auto last = characters.end();
    if (left_) {
      first = std::find_if(first, last, keep);
    }
    if (right_) {
      last = std::find_if(characters.rbegin(), std::make_reverse_iterator(first), keep).base();
    }
    const std::size_t begin = to_utf8({characters.begin(), first}).size();
    const std::size_t end = begin + to_utf8({first, last}).size();
    AlignedBuilder builder(text, "Strip");
    builder.skip_until(begin);
    builder.keep_until(end);
    text = std::move(builder).finish();
  }

 private:
  bool left_;
  bool right_;
};

class Prepend : public Normalizer {
 public:
  explicit Prepend(std::string prefix) : prefix_(std::move(prefix)) {}
  void apply(AlignedText& text) const override { prepend(text, prefix_, "Prepend"); }

 private:
  std::string prefix_;
};

class Replace : public Normalizer {
 public:
  Replace(Pattern pattern, std::string content)
      : pattern_(std::move(pattern)), content_(std::move(content)) {}
  void apply(AlignedText& text) const override {
    std::vector<ByteRange> matches;
    pattern_.find_all(text.text, matches);
    if (matches.empty()) {
      return;
    }
    AlignedBuilder builder(text, "Replace");
    for (const ByteRange match : matches) {
      builder.keep_until(match.begin);
      builder.skip_until(match.end);
      builder.insert(content_);
    }
    builder.keep_until(text.text.size());
    text = std::move(builder).finish();
  }

 private:
  Pattern pattern_;
  std::string content_;
};

struct BertOptions {
  bool clean_text = true;
  bool handle_chinese_chars = true;
  bool strip_accents = true;
  bool lowercase = true;
};

class BertNormalizer : public Normalizer {
 public:
  explicit BertNormalizer(BertOptions options) : options_(options) {}
  void apply(AlignedText& text) const override {
    if (options_.clean_text) {
      clean(text);
    }
    if (options_.handle_chinese_chars) {
      separate_chinese(text);
    }
    if (options_.strip_accents) {
      normalize(text, NormalForm::Nfd);
      remove_if(text, "BertNormalizer", is_old_nonspacing_mark);
    }
    if (options_.lowercase) {
      lowercase(text);
    }
  }

 private:
  static void clean(AlignedText& text) {
    rewrite(text, "BertNormalizer", [](char32_t c, std::size_t end, AlignedBuilder& builder) {
      if (is_bert_control(c)) {
        builder.skip_until(end);
      } else {
        builder.replace(is_bert_space(c) ? U' ' : c);
      }
    });
  }
  static void separate_chinese(AlignedText& text) {
    rewrite(text, "BertNormalizer", [](char32_t c, std::size_t end, AlignedBuilder& builder) {
      if (is_chinese(c)) {
        builder.replace(U' ');
        builder.insert(c);
        builder.insert(U' ');
      } else {
        builder.keep_until(end);
      }
    });
  }
  BertOptions options_;
};

class NormalizerSequence : public Normalizer {
 public:
  explicit NormalizerSequence(std::vector<std::unique_ptr<const Normalizer>> parts)
      : parts_(std::move(parts)) {}
  void apply(AlignedText& text) const override {
    for (const auto& part : parts_) {
      if (text.growth != nullptr) {
        text.growth->work(text.text.size(), "Sequence");
      }
      part->apply(text);
    }
  }

 private:
  std::vector<std::unique_ptr<const Normalizer>> parts_;
};

using Made = std::unique_ptr<const Normalizer>;

Made make_form(NormalForm form) {
  return std::make_unique<NormalFormNormalizer>(form);
}

Made make_sequence(const Component& c) {
  std::vector<Made> parts;
  for (const Component& part : c.parts("normalizers")) {
    if (Made made = make_normalizer(part.json(), part.where())) {
      parts.push_back(std::move(made));
    }
  }
  return std::make_unique<NormalizerSequence>(std::move(parts));
}

Made make_bert(const Component& c) {
  BertOptions options;
  options.clean_text = c.flag("clean_text", true);
  options.handle_chinese_chars = c.flag("handle_chinese_chars", true);
  options.lowercase = c.flag("lowercase", true);
  options.strip_accents = c.flag("strip_accents", options.lowercase);
  return std::make_unique<BertNormalizer>(options);
}

Made make_replace(const Component& c) {
  return std::make_unique<Replace>(Pattern::from_json(c.at("pattern"), c.where("pattern")),
                                   c.text("content"));
}

class Precompiled : public Normalizer {
 public:
  explicit Precompiled(Charsmap map) : map_(std::move(map)) {}
  void apply(AlignedText& text) const override { apply_precompiled(text, map_); }

 private:
  Charsmap map_;
};

Made make_precompiled(const Component& c) {
  const Json* const blob = c.json().find_value("precompiled_charsmap");
  const std::string where = c.where("precompiled_charsmap");
  const std::string encoded = blob == nullptr ? std::string() : blob->as_string(where);
  return std::make_unique<Precompiled>(Charsmap(decode_base64(encoded, where), where));
}

struct Known {
  std::string_view type;
  Made (*make)(const Component&);
};

constexpr std::array<Known, 13> kKnown = {{
    {"Sequence", make_sequence},
    {"NFC", [](const Component&) { return make_form(NormalForm::Nfc); }},
    {"NFD", [](const Component&) { return make_form(NormalForm::Nfd); }},
    {"NFKC", [](const Component&) { return make_form(NormalForm::Nfkc); }},
    {"NFKD", [](const Component&) { return make_form(NormalForm::Nfkd); }},
    {"Lowercase", [](const Component&) -> Made { return std::make_unique<Lowercase>(); }},
    {"StripAccents", [](const Component&) -> Made { return std::make_unique<StripAccents>(); }},
    {"Nmt", [](const Component&) -> Made { return std::make_unique<Nmt>(); }},
    {"Strip",
     [](const Component& c) -> Made {
       return std::make_unique<Strip>(c.flag("strip_left", true), c.flag("strip_right", true));
     }},
    {"Prepend",
     [](const Component& c) -> Made { return std::make_unique<Prepend>(c.text("prepend")); }},
    {"Replace", make_replace},
    {"BertNormalizer", make_bert},
    {"Precompiled", make_precompiled},
}};

}  // namespace

std::unique_ptr<const Normalizer> make_normalizer(const Json& json, std::string_view where) {
  return make_component<Made>(json, where, kKnown, "normalizer");
}

std::unique_ptr<const Normalizer> make_nfc_normalizer() {
  return make_form(NormalForm::Nfc);
}

}  // namespace cajal
