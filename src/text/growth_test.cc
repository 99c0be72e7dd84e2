#include "text/growth.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "text/precompiled.h"
#include "text/sentencepiece_normalizer.h"

namespace cajal {
namespace {

using ::testing::HasSubstr;

void append_unit(std::string& out, std::uint32_t unit) {
  for (unsigned shift = 0; shift < 32; shift += 8) {
    out += static_cast<char>(unit >> shift & 0xFFU);
  }
}

/// A table of one entry: "a" becomes `replacement`.
std::string table(const std::string& replacement) {
  constexpr std::uint32_t kUnits = 'a' + 1;
  std::string out;
  append_unit(out, 4 * kUnits);
  for (std::uint32_t i = 0; i < kUnits; ++i) {
    // The root leads to 'a' by adding its byte; its leaf is at 'a' ^ 1, and holds place 0.
    append_unit(out, i == 'a' ? 'a' | 1U << 8U | 1U << 10U : 0U);
  }
  return out + replacement + '\0';
}

template <typename Run>
std::string limit_of(const Run& run) {
  try {
    run();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::ResourceExhausted);
    return error.what();
  }
  return "no error";
}

TEST(Growth, AllowsAMultipleOfTheInputAndSomeInAnyCase) {
  Growth growth(100);
  EXPECT_EQ(growth.most_bytes(), 6400 + (std::size_t{1} << 20U));
  growth.check_size(growth.most_bytes(), "Replace");
  EXPECT_THAT(limit_of([&] { growth.check_size(growth.most_bytes() + 1, "Replace"); }),
              HasSubstr("tokenizer's Replace expands a text of 100 bytes to more than 1054976"));
  growth.more_input(1);
  growth.check_size(1054976 + 64, "Replace");
}

TEST(Growth, CountsTheWorkOfAllComponentsTogether) {
  Growth growth(0);
  growth.work(10U << 20U, "Strip");
  EXPECT_THAT(limit_of([&] { growth.work(7U << 20U, "Replace"); }), HasSubstr("now the Replace"));
}

TEST(Growth, NormalisationTableOfTokenizerJsonIsStopped) {
  const Charsmap map(table(std::string(100'000, 'x')), "test");
  const auto run = [&](std::size_t size) {
    Growth growth(size);
    AlignedText text = identity_text(std::string(size, 'a'), 0, true, &growth);
    apply_precompiled(text, map);
    EXPECT_EQ(text.text.size(), size * 100'000);
  };
  EXPECT_EQ(limit_of([&] { run(5); }), "no error");
  EXPECT_THAT(limit_of([&] { run(1000); }), HasSubstr("Precompiled"));
}

TEST(Growth, NormalisationTableOfSentencePieceIsStopped) {
  SentencePieceModel model;
  model.charsmap = table(std::string(100'000, 'x'));
  model.add_dummy_prefix = false;
  const SentencePieceNormalizer normalizer(model, "test");
  EXPECT_EQ(normalizer.apply("aaaaa").text.size(), 500'000U);
  EXPECT_THAT(limit_of([&] { normalizer.apply(std::string(1000, 'a')); }),
              HasSubstr("precompiled_charsmap"));
}

}  // namespace
}  // namespace cajal
