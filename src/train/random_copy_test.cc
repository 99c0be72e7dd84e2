#include "train/random_copy.h"

#include <cmath>

#include <gmock/gmock.h>

#include "io/safetensors.h"
#include "model/model.h"
#include "testing/files.h"
#include "testing/random_model.h"

namespace cajal {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class RandomCopy : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(model());
    testing::write_random_model(model(), R"({"model_type": "llama", "vocab_size": 40,
      "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
      "num_key_value_heads": 2, "head_dim": 8, "max_position_embeddings": 32,
      "tie_word_embeddings": true})");
    write_file(model() / "tokenizer.json", "{}");
  }
  fs::path model() const { return folder_ / "m"; }
  fs::path copy() const { return folder_ / "copy"; }
  testing::TemporaryFolder folder_;
};

double root_mean_square(ConstMatRef m) {
  double sum = 0.0;
  for (std::size_t r = 0; r < m.rows; ++r) {
    for (std::size_t c = 0; c < m.cols; ++c) {
      sum += element(m, r, c) * element(m, r, c);
    }
  }
  return std::sqrt(sum / static_cast<double>(m.rows * m.cols));
}

TEST_F(RandomCopy, HasOtherMatricesOfTheSameSizeAndTheSameVectors) {
  write_random_copy(model(), copy(), 1);
  const auto from = Safetensors::open(model());
  const auto to = Safetensors::open(copy());
  ASSERT_EQ(to->tensors().size(), from->tensors().size());
  for (const StoredTensor& tensor : from->tensors()) {
    const StoredTensor& other = to->at(tensor.name);
    EXPECT_EQ(other.shape, tensor.shape);
    EXPECT_EQ(other.dtype, tensor.dtype);
    const bool equal = std::ranges::equal(other.bytes, tensor.bytes);
    EXPECT_EQ(equal, tensor.shape.size() == 1) << tensor.name;
    if (!equal) {  // the mean of n squares of normal numbers is within a few sqrt(2 / n) of 1
      const double n = static_cast<double>(tensor.bytes.size() / size_of(*tensor.dtype));
      const double ratio = root_mean_square(as_matrix(other)) / root_mean_square(as_matrix(tensor));
      EXPECT_NEAR(ratio * ratio, 1.0, 5.0 * std::sqrt(2.0 / n)) << tensor.name;
    }
  }
  EXPECT_EQ(Model::load(copy())->config().layers, 2U);
  EXPECT_EQ(read_file(copy() / "tokenizer.json"), "{}");
}

TEST_F(RandomCopy, IsMadeOnceAndTheSameEachTime) {
  write_random_copy(model(), copy(), 1);
  write_random_copy(model(), folder_ / "again", 1);
  const std::string bytes = read_file(copy() / "model.safetensors");
  EXPECT_EQ(read_file(folder_ / "again" / "model.safetensors"), bytes);
  const auto written = fs::last_write_time(copy() / "model.safetensors");
  write_random_copy(model(), copy(), 1);
  EXPECT_EQ(fs::last_write_time(copy() / "model.safetensors"), written);
}

TEST_F(RandomCopy, IsFinishedWhereItWasStoppedBeforeItsWeights) {
  write_random_copy(model(), copy(), 1);
  const std::string bytes = read_file(copy() / "model.safetensors");
  fs::remove(copy() / "model.safetensors");
  write_random_copy(model(), copy(), 1);
  EXPECT_EQ(read_file(copy() / "model.safetensors"), bytes);
}

TEST_F(RandomCopy, DoesNotTakeThePlaceOfAnotherModel) {
  write_random_copy(model(), copy(), 1);
  const auto other = testing::thrown_by([&] { write_random_copy(model(), copy(), 2); });
  EXPECT_THAT(other.message, HasSubstr("another model"));
  const auto itself = testing::thrown_by([&] { write_random_copy(model(), model(), 1); });
  EXPECT_THAT(itself.message, HasSubstr("another model"));
}

}  // namespace
}  // namespace cajal
