#include "text/special_ids.h"

#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "testing/files.h"
#include "testing/golden.h"

namespace cajal {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class SpecialIdsTest : public ::testing::Test {
 protected:
  testing::TemporaryFolder temporary_;
  const fs::path& folder_ = temporary_.path();
};

TEST_F(SpecialIdsTest, StopIdsOfAllFilesAreTakenTogether) {
  write_file(folder_ / "generation_config.json", R"({"eos_token_id":[7,3],"bos_token_id":1})");
  write_file(folder_ / "config.json", R"({"eos_token_id":2,"text_config":{"eos_token_id":3}})");
  const SpecialIds ids = read_special_ids(folder_, nullptr, 10);
  EXPECT_THAT(ids.stop, ElementsAre(2, 3, 7));
  EXPECT_EQ(ids.bos, 1);
  EXPECT_TRUE(ids.notes.empty());
}

TEST_F(SpecialIdsTest, ValuesOutsideTheVocabularyAreNoted) {
  write_file(folder_ / "config.json", R"({"eos_token_id":[2,50256],"bos_token_id":50256})");
  const SpecialIds ids = read_special_ids(folder_, nullptr, 10);
  EXPECT_THAT(ids.stop, ElementsAre(2));
  EXPECT_EQ(ids.bos, std::nullopt);
  ASSERT_EQ(ids.notes.size(), 2U);
  EXPECT_THAT(ids.notes[0], HasSubstr("50256 is outside the vocabulary of 10 tokens"));
}

TEST_F(SpecialIdsTest, GgufGivesItsOwn) {
  const fs::path gguf = testing::golden_core("tokenizers") / "llama3" / "vocab.gguf";
  const auto tokenizer = Tokenizer::load(gguf);
  const SpecialIds ids = read_special_ids(gguf, tokenizer.get(), tokenizer->vocab_size());
  EXPECT_THAT(ids.stop, ElementsAre(1017));
  EXPECT_EQ(ids.bos, 1010);
}

TEST_F(SpecialIdsTest, TokenizerConfigNamesTokens) {
  const fs::path folder = testing::golden_core("tokenizers") / "llama2";
  const auto tokenizer = Tokenizer::load(folder);
  const SpecialIds ids = read_special_ids(folder, tokenizer.get(), tokenizer->vocab_size());
  EXPECT_THAT(ids.stop, ElementsAre(2));
  EXPECT_EQ(ids.bos, 1);
}

}  // namespace
}  // namespace cajal
