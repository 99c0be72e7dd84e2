#include "io/gguf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "testing/golden.h"

namespace cajal {
namespace {

namespace fs = std::filesystem;

TEST(Gguf, ReadsThePublishedStoriesModel) {
  const fs::path path = testing::shared_folder() / "models" / "stories260K" / "stories260K.gguf";
  if (!testing::have_or_skip(fs::exists(path), "golden", "no stories260K.gguf")) {
    return;
  }
  const auto file = Gguf::open(path);
  EXPECT_EQ(file->version(), 3U);
  EXPECT_EQ(file->string_at("general.architecture"), "llama");
  EXPECT_EQ(file->int_at("llama.block_count"), 5);
  EXPECT_EQ(file->find_strings("tokenizer.ggml.tokens")->size(), 512U);
  const StoredTensor& embeddings = file->at("token_embd.weight");
  EXPECT_THAT(embeddings.shape, ::testing::ElementsAre(512U, 64U));
  EXPECT_EQ(as_matrix(embeddings).rows, 512U);
}

TEST(Gguf, ReadsEveryGoldenVocabulary) {
  std::size_t count = 0;
  for (const fs::path& folder : testing::golden_folders("tokenizers")) {
    if (fs::exists(folder / "vocab.gguf")) {
      const auto file = Gguf::open(folder / "vocab.gguf");
      const auto pieces = file->find_strings("tokenizer.ggml.tokens");
      EXPECT_GE(pieces->size(), 1000U) << folder;
      // gemma's lists are of different lengths: what has no type is an ordinary piece.
      EXPECT_GE(pieces->size(), file->find_ints("tokenizer.ggml.token_type")->size());
      ++count;
    }
  }
  testing::have_or_skip(count != 0, "golden", "no golden vocab.gguf");
}

}  // namespace
}  // namespace cajal
