#include "text/sentencepiece.h"

#include <filesystem>
#include <sentencepiece_processor.h>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/file.h"
#include "base/random.h"
#include "base/utf8.h"
#include "testing/golden.h"

namespace cajal {
namespace {

namespace fs = std::filesystem;

std::string random_text(std::uint64_t& counter) {
  constexpr std::u32string_view kAlphabet =
      U"etaoin shrdlu  "
      U"ETA..,,'\n\t\u2581\u3000\uFF21\u00E9e\u0301\u4F60\u597D\u0915\u093F\U0001F600";
  std::string out;
  const std::uint64_t length = random_bits(3, 5, counter++) % 40;
  for (std::uint64_t i = 0; i < length; ++i) {
    append_utf8(out, kAlphabet[random_bits(3, 5, counter++) % kAlphabet.size()]);
  }
  return out;
}

/// The library that most models were trained with; 0.1.97 differs from its successors only where
/// the scores of two segmentations are equal, which these texts avoid.
TEST(SentencePiece, EncodesRandomTextAsTheLibraryDoes) {
  std::uint64_t counter = 0;
  for (const char* name : {"llama2", "unigram_bytes", "spm_bpe_suffix"}) {
    const fs::path path = testing::golden_core("tokenizers") / name / "tokenizer.model";
    const auto ours = Tokenizer::load(path);
    sentencepiece::SentencePieceProcessor theirs;
    ASSERT_TRUE(theirs.Load(path.string()).ok());
    for (int round = 0; round < 500; ++round) {
      const std::string text = random_text(counter);
      std::vector<int> ids;
      ASSERT_TRUE(theirs.Encode(text, &ids).ok());
      ASSERT_EQ(ours->encode_ids(text, {.add_special_tokens = false}), ids) << name << ": " << text;
      std::string decoded;
      ASSERT_TRUE(theirs.Decode(ids, &decoded).ok());
      ASSERT_EQ(ours->decode(ids), decoded) << name << ": " << text;
    }
  }
}

TEST(SentencePiece, EveryCutFileIsRefusedOrRead) {
  const fs::path path = testing::golden_core("tokenizers") / "spm_bpe_suffix" / "tokenizer.model";
  const std::string whole = read_file(path);
  std::size_t refused = 0;
  for (std::size_t size = 0; size < whole.size(); size += 37) {
    try {
      SentencePieceModel::parse(whole.substr(0, size), "cut.model");
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::CorruptData) << error.what();
      ++refused;
    }
  }
  EXPECT_GT(refused, 10U);
}

TEST(SentencePiece, OneCharacterManyTimesTakesLittleTime) {
  for (const char* name : {"llama2", "unigram_bytes"}) {
    const auto tokenizer =
        Tokenizer::load(testing::golden_core("tokenizers") / name / "tokenizer.model");
    EXPECT_GT(tokenizer->encode_ids(std::string(1 << 20, 'a')).size(), 1000U) << name;
  }
}

}  // namespace
}  // namespace cajal
