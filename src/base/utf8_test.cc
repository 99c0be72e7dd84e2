#include "base/utf8.h"

#include <gtest/gtest.h>

namespace cajal {
namespace {

TEST(Utf8, DecodesTheEndsOfEveryLength) {
  const char32_t ends[] = {0, 0x7F, 0x80, 0x7FF, 0x800, 0xD7FF, 0xE000, 0xFFFF, 0x10000, 0x10FFFF};
  for (const char32_t c : ends) {
    std::string text;
    append_utf8(text, c);
    const CodePoint decoded = decode_utf8(text);
    EXPECT_TRUE(decoded.valid);
    EXPECT_EQ(decoded.value, c);
    EXPECT_EQ(decoded.length, text.size());
  }
}

TEST(Utf8, RefusesWhatIsNoCharacter) {
  EXPECT_FALSE(is_valid_utf8("\xC0\x80"));          // zero in two bytes
  EXPECT_FALSE(is_valid_utf8("\xE0\x9F\xBF"));      // 0x7FF in three
  EXPECT_FALSE(is_valid_utf8("\xED\xA0\x80"));      // a surrogate
  EXPECT_FALSE(is_valid_utf8("\xF0\x8F\xBF\xBF"));  // 0xFFFF in four
  EXPECT_FALSE(is_valid_utf8("\xF4\x90\x80\x80"));  // 0x110000
  EXPECT_FALSE(is_valid_utf8("\xE2\x82"));          // cut off
  EXPECT_TRUE(is_valid_utf8("a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80"));
}

// The example of the Unicode standard, chapter 3.9, table 3-8 and after.
TEST(Utf8, ReplacesMaximalSubparts) {
  const std::string r = "\xEF\xBF\xBD";
  EXPECT_EQ(sanitize_utf8("a\xF1\x80\x80\xE1\x80\xC2\x62\x80\x63\x80\xBF\x64"),
            "a" + r + r + r + "b" + r + "c" + r + r + "d");
  EXPECT_EQ(sanitize_utf8("\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41"),
            r + r + r + r + r + r + r + r + "A");
  EXPECT_EQ(sanitize_utf8("\xED\xA0\x80\xED\xBF\xBF\xED\xAF\x41"),
            r + r + r + r + r + r + r + r + "A");
}

TEST(Utf8, CountsAndConvertsCodePoints) {
  EXPECT_EQ(count_code_points("a\xC3\xA9\xF0\x9F\x98\x80"), 3U);
  EXPECT_EQ(count_code_points("\xE2\x82z"), 2U);
  EXPECT_EQ(to_utf32("\xC3\xA9\xE2"), (std::u32string{0xE9, kReplacement}));
  EXPECT_EQ(to_utf8(U"\u00E9\U0001F600"), "\xC3\xA9\xF0\x9F\x98\x80");
}

}  // namespace
}  // namespace cajal
