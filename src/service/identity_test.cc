#include "service/identity.h"

#include <fstream>

#include <gmock/gmock.h>

#include "base/file.h"
#include "service/generate.h"
#include "service/session.h"
#include "testing/files.h"
#include "testing/golden.h"

namespace cajal {
namespace {

namespace fs = std::filesystem;

/// A copy of a golden model that goes away with the object.
struct Copy {
  Copy() {
    for (const char* file : {"config.json", "model.safetensors"}) {
      fs::copy(testing::golden_core("models") / "llama" / file, folder);
    }
  }

  testing::TemporaryFolder temporary;
  const fs::path& folder = temporary.path();
};

void append_to(const fs::path& file, const char* text) {
  std::ofstream(file, std::ios::app) << text;
}

void change_last_byte(const fs::path& file) {
  std::string bytes = read_file(file);
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  write_file(file, bytes);
}

TEST(Identity, OfAModelIsTheSameInAnyFolder) {
  const Copy copy;
  EXPECT_EQ(model_hash(copy.folder), model_hash(testing::golden_core("models") / "llama"));
}

TEST(Identity, OfAModelChangesWithItsConfigurationAndWeights) {
  const Copy copy;
  const std::string before = model_hash(copy.folder);
  append_to(copy.folder / "config.json", "\n");
  const std::string configured = model_hash(copy.folder);
  EXPECT_NE(configured, before);
  change_last_byte(copy.folder / "model.safetensors");
  EXPECT_NE(model_hash(copy.folder), configured);
}

TEST(Identity, OfATokenizerChangesWithItsFiles) {
  const Copy copy;
  write_file(copy.folder / "tokenizer.json", "{}");
  const std::string before = tokenizer_hash(copy.folder);
  EXPECT_EQ(tokenizer_hash(copy.folder / "tokenizer.json"), before);
  write_file(copy.folder / "tokenizer_config.json", "{}");
  const std::string configured = tokenizer_hash(copy.folder);
  EXPECT_NE(configured, before);
  append_to(copy.folder / "tokenizer.json", "\n");
  EXPECT_NE(tokenizer_hash(copy.folder), configured);
}

TEST(Identity, OfAModelDoesNotDependOnItsTokenizer) {
  const Copy copy;
  const std::string before = model_hash(copy.folder);
  write_file(copy.folder / "tokenizer.json", "{}");
  EXPECT_EQ(model_hash(copy.folder), before);
}

TEST(Identity, OfGgufFilesIsOfTheirMetadataAndTensors) {
  const fs::path folder = testing::golden_core("models").parent_path() / "gguf";
  EXPECT_EQ(model_hash(folder / "phi3.gguf"), model_hash(folder / "phi3.gguf"));
  EXPECT_NE(model_hash(folder / "phi3.gguf"), model_hash(folder / "phi3_longrope.gguf"));
  EXPECT_NE(tokenizer_hash(folder / "phi3.gguf"), model_hash(folder / "phi3.gguf"));
}

TEST(Identity, IsInTheProvenanceOfResults) {
  ModelOptions options;
  options.model = (testing::golden_core("models") / "llama").string();
  const Provenance provenance = open_session(options).provenance();
  EXPECT_EQ(provenance.model_hash, model_hash(options.model));
  EXPECT_EQ(provenance.tokenizer_hash, "");  // it has none
}

}  // namespace
}  // namespace cajal
