#include "text/unicode.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/utf8.h"
#include "io/json.h"
#include "testing/golden.h"
#include "text/code_point_set.h"
#include "text/normal_forms.h"
#include "text/regex.h"
#include "text/unicode_properties.h"

namespace cajal {
namespace {

Json golden_unicode() {
  return Json::load(testing::golden_core("tokenizers") / "unicode.json");
}

CodePointSet set_of(const Json& ranges) {
  std::vector<CodePointRange> out;
  for (const Json& range : ranges.as_array("ranges")) {
    const auto bound = [&](std::size_t i) {
      return static_cast<char32_t>(range.as_array("range")[i].as_int("bound"));
    };
    out.push_back({bound(0), bound(1)});
  }
  return CodePointSet(std::move(out));
}

/// Without surrogates, so that sets that bridge them compare equal.
CodePointSet tidy(const CodePointSet& set) {
  return set.intersection(CodePointSet({{0xD800, 0xDFFF}}).complement());
}

CodePointSet ours(const std::string& name) {
  if (name == "WhitespaceSplit" || name == "\\s") {
    return CodePointSet::where(is_space);
  }
  if (name == "Punctuation") {
    return CodePointSet::where(is_old_punctuation);
  }
  if (name == "Digits") {
    return CodePointSet::where(is_numeric);
  }
  return *property_set(name.substr(3, name.size() - 4));  // "\p{L}"
}

TEST(Unicode, ClassesAreThoseOfTheReference) {
  const Json file = golden_unicode();
  for (const Json& set : file.at("sets", "unicode").as_array("sets")) {
    const std::string name = set.at("class", "set").as_string("class");
    EXPECT_EQ(tidy(ours(name)).ranges(), tidy(set_of(set.at("ranges", "set"))).ranges()) << name;
  }
}

TEST(Unicode, RegularExpressionsUseThoseClasses) {
  const Json file = golden_unicode();
  for (const Json& set : file.at("sets", "unicode").as_array("sets")) {
    const std::string name = set.at("class", "set").as_string("class");
    if (name.front() != '\\') {
      continue;
    }
    const Regex regex("^" + name + "$", "test");
    const CodePointSet members = set_of(set.at("ranges", "set"));
    for (const CodePointRange& range : members.ranges()) {
      const std::vector<char32_t> around = {range.first - 1, range.first, range.last,
                                            range.last + 1};
      for (const char32_t c : around) {
        if (c >= 0xD7FF && c <= 0xE000) {
          continue;
        }
        std::string text;
        append_utf8(text, c);
        std::vector<ByteRange> matches;
        regex.find_all(text, matches);
        const bool inside = c >= range.first && c <= range.last;
        EXPECT_EQ(!matches.empty() && c != '\n', inside && c != '\n') << name << " " << +c;
      }
    }
  }
}

std::string normal(char32_t c, NormalForm form) {
  std::string text;
  append_utf8(text, c);
  AlignedText aligned = identity_text(text, 0, false);
  normalize(aligned, form);
  return aligned.text;
}

TEST(Unicode, CharactersDecomposeAndComposeAsInTheReference) {
  const Json nfc = golden_unicode().at("nfc", "unicode");
  const auto changed = [](NormalForm form) {
    return CodePointSet::where([&](char32_t c) {
      std::string text;
      append_utf8(text, c);
      return normal(c, form) != text;
    });
  };
  EXPECT_EQ(tidy(changed(NormalForm::Nfd)).ranges(),
            tidy(set_of(nfc.at("decomposing", "nfc"))).ranges());
}

TEST(Unicode, NewMarksDoNotReorder) {
  AlignedText text = identity_text("a\u0345\u08D4\u0898", 0, true);
  normalize(text, NormalForm::Nfd);
  EXPECT_EQ(text.text, "a\u08D4\u0345\u0898");
}

}  // namespace
}  // namespace cajal
