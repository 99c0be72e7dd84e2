#include "text/find_text.h"

#include <string>

#include <gtest/gtest.h>

#include "base/random.h"

namespace cajal {
namespace {

std::string random_letters(std::uint64_t& counter, std::size_t size) {
  std::string out;
  for (std::size_t i = 0; i < size; ++i) {
    out += static_cast<char>('a' + random_bits(1, 2, counter++) % 2);
  }
  return out;
}

TEST(Finder, FindsWhatTheStandardLibraryFinds) {
  std::uint64_t counter = 0;
  for (int round = 0; round < 300; ++round) {
    const std::string text = random_letters(counter, 300);
    const std::size_t begin = random_bits(1, 2, counter++) % 300;
    std::string wanted = text.substr(begin, 10 + random_bits(1, 2, counter++) % 40);
    if (round % 3 == 0) {
      wanted += wanted;  // seldom there
    }
    const std::size_t from = random_bits(1, 2, counter++) % 301;
    EXPECT_EQ(Finder(wanted).next(text, from), text.find(wanted, from)) << text << " " << wanted;
    EXPECT_EQ(BackwardFinder(wanted).last(text), text.rfind(wanted)) << text << " " << wanted;
  }
}

TEST(Finder, FindsEmptyTextsAndWholeTexts) {
  EXPECT_EQ(Finder("").next("abc", 3), 3U);
  EXPECT_EQ(Finder("").next("abc", 4), Finder::kNone);
  EXPECT_EQ(BackwardFinder("").last("abc"), 3U);
  const std::string long_text(40, 'a');
  EXPECT_EQ(Finder(long_text).next(long_text, 0), 0U);
  EXPECT_EQ(Finder(long_text).next(long_text, 1), Finder::kNone);
  EXPECT_EQ(Finder(long_text).next(long_text, 41), Finder::kNone);
  EXPECT_EQ(BackwardFinder(long_text).last("x" + long_text), 1U);
}

}  // namespace
}  // namespace cajal
