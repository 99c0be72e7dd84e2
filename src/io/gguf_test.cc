#include "io/gguf.h"

#include <cstring>

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

/// The bits of two floats, so that zeros of both signs differ.
bool same_bits(ConstMatRef a, ConstMatRef b) {
  return a.rows == b.rows && a.cols == b.cols &&
         std::memcmp(a.data, b.data, a.rows * a.cols * sizeof(float)) == 0;
}

TEST(Gguf, DecodesBlocksToTheBitsOfTheReference) {
  const auto file = Gguf::open(testing::golden_core("gguf") / "blocks.gguf");
  for (const char* type : {"Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q4_K", "Q5_K", "Q6_K"}) {
    EXPECT_EQ(file->at(type).type, type);
    EXPECT_EQ(file->at(type).shape, file->at(std::string(type) + ".expected").shape);
    const Matrix decoded = decode(file->at(type));
    EXPECT_TRUE(same_bits(decoded.ref(), as_matrix(file->at(std::string(type) + ".expected"))))
        << type;
  }
}

}  // namespace
}  // namespace cajal
