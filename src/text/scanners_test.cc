#include "text/scanners.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/random.h"
#include "base/utf8.h"
#include "io/json.h"
#include "testing/golden.h"
#include "text/regex.h"

namespace cajal {
namespace {

std::vector<ByteRange> scanned(std::string_view pattern, std::string_view text) {
  std::vector<ByteRange> out;
  scanner_for(pattern)(text, out);
  return out;
}

std::vector<ByteRange> matched(const Regex& regex, std::string_view text) {
  std::vector<ByteRange> out;
  regex.find_all(text, out);
  return out;
}

/// Characters that the patterns tell apart, each of several kinds, and any others.
char32_t random_character(std::uint64_t bits) {
  constexpr std::u32string_view kTelling =
      U"aAzZ'sStT'reVElLmMdD 0919  \t\n\r\r\n\u00A0\u3000\u0085.,!?-/_$+<~|`^()\u017F\u212A"
      U"\u00E9\u00C9\u01C5\u02B0\u4E2D\u3042\u30FB\u30A0\u0301\u0903\u20E3\u0660\u00B2\u2167\u20AC"
      U"\u2014\u200B\u200D\uFEFF\u180E\u0378\uE000\U0001F600\U00010400\U00010428\U0001D7D8"
      U"\U00016EA0"
      U"\u1C89\u1C8A\U00011F00\U0001E4EC\x01\x1C\x7F";
  if (bits % 16 != 0) {
    return kTelling[bits / 16 % kTelling.size()];
  }
  const auto any = static_cast<char32_t>(bits / 16 % 0x30000);
  return any >= 0xD800 && any < 0xE000 ? U'x' : any;
}

TEST(Scanners, FindWhatTheRegularExpressionFindsInTheGoldenTexts) {
  const Json texts = Json::load(testing::golden_core("tokenizers") / "texts.json");
  for (const std::string_view pattern : scanned_patterns()) {
    const Regex regex(pattern, "test");
    std::string all;
    for (const Json& text : texts.as_array("texts")) {
      const std::string& one = text.at("text", "text").as_string("text");
      EXPECT_EQ(scanned(pattern, one), matched(regex, one)) << pattern << "\n" << one;
      all += one;
    }
    EXPECT_EQ(scanned(pattern, all), matched(regex, all)) << pattern;
  }
}

TEST(Scanners, FindWhatTheRegularExpressionFindsInRandomText) {
  std::uint64_t counter = 0;
  for (const std::string_view pattern : scanned_patterns()) {
    const Regex regex(pattern, "test");
    for (int round = 0; round < 2000; ++round) {
      std::string text;
      for (int i = 0; i < 24; ++i) {
        append_utf8(text, random_character(random_bits(7, 1, counter++)));
      }
      ASSERT_EQ(scanned(pattern, text), matched(regex, text)) << pattern << "\n" << text;
    }
  }
}

}  // namespace
}  // namespace cajal
