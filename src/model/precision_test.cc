// Precisions and thread counts: how far from exact, and the same bits however many threads.
#include <cstring>
#include <filesystem>

#include <gtest/gtest.h>

#include "base/parallel.h"
#include "io/json.h"
#include "io/safetensors.h"
#include "model/generate.h"
#include "testing/compare.h"
#include "testing/files.h"
#include "testing/golden.h"
#include "testing/random_model.h"

namespace cajal {
namespace {

namespace fs = std::filesystem;

constexpr const char* kLlama = R"({"model_type": "llama", "dtype": "bfloat16", "vocab_size": 1999,
  "hidden_size": 320, "intermediate_size": 770, "num_hidden_layers": 2, "num_attention_heads": 5,
  "num_key_value_heads": 5, "head_dim": 64, "max_position_embeddings": 400,
  "tie_word_embeddings": true})";
constexpr const char* kGpt2 = R"({"model_type": "gpt2", "vocab_size": 1999, "n_embd": 320,
  "n_layer": 2, "n_head": 5, "n_positions": 400})";

/// A random model that goes away.
class Folder {
 public:
  explicit Folder(const char* config) { testing::write_random_model(folder_.path(), config); }
  const fs::path& path() const { return folder_.path(); }

 private:
  testing::TemporaryFolder folder_;
};

class ThreadGuard {
 public:
  ThreadGuard() : before_(threads()) {}
  ThreadGuard(const ThreadGuard&) = delete;
  ThreadGuard& operator=(const ThreadGuard&) = delete;
  ~ThreadGuard() { set_threads(before_); }

 private:
  int before_;
};

/// Bytes of the logits of a prompt of `tokens`, then of two single tokens.
std::vector<std::byte> logit_bits(const Model& model, std::size_t tokens, Precision precision) {
  const auto backend = make_cpu_backend();
  KvCache cache(model.config(), *backend, 1);
  std::vector<std::byte> out;
  for (const std::size_t count : {tokens, std::size_t{1}, std::size_t{1}}) {
    std::vector<TokenId> ids;
    for (std::size_t i = 0; i < count; ++i) {
      ids.push_back(static_cast<TokenId>((17 + 31 * i) % model.config().vocab));
    }
    const std::int32_t starts[] = {0, static_cast<std::int32_t>(count)};
    const Matrix logits = model.forward(*backend, {ids, starts}, cache,
                                        {.precision = precision, .logits = LogitRows::All});
    const auto* data = logits.ref().data;
    out.insert(out.end(), data, data + logits.rows() * logits.cols() * sizeof(float));
  }
  return out;
}

TEST(Threads, AnyNumberOfThemGivesTheSameBits) {
  const ThreadGuard guard;
  for (const char* config : {kLlama, kGpt2}) {
    const Folder folder(config);
    const auto model = Model::load(folder.path());
    for (const Precision precision :
         {Precision::F32, Precision::BF16, Precision::BF16x2, Precision::BF16x3}) {
      if (!make_cpu_backend()->has(precision)) {
        continue;
      }
      for (const std::size_t tokens : std::vector<std::size_t>{1, 7, 33, 130}) {
        set_threads(1);
        const auto one = logit_bits(*model, tokens, precision);
        for (const int count : {2, 4}) {
          set_threads(count);
          EXPECT_TRUE(one == logit_bits(*model, tokens, precision))
              << name_of(precision) << ", " << tokens << " tokens, " << count << " threads";
        }
      }
    }
  }
}

TEST(Threads, TheSameSeedGivesTheSameTextWithAnyNumberOfThem) {
  const ThreadGuard guard;
  const Folder folder(kLlama);
  const auto model = Model::load(folder.path());
  const auto backend = make_cpu_backend();
  const std::vector<std::vector<TokenId>> prompts = {{1, 2, 3}, {4}};
  std::vector<TokenId> first;
  for (const int count : {1, 2, 4}) {
    set_threads(count);
    const auto out = generate(*backend, *model, nullptr, prompts,
                              {.max_tokens = 20, .sampling = {.temperature = 1.0, .seed = 9}});
    if (first.empty()) {
      first = out[1].ids;
    }
    EXPECT_EQ(out[1].ids, first) << count;
  }
}

TEST(Points, ReadingThemChangesNoBitOfALargerModel) {
  const Folder folder(kLlama);
  const auto model = Model::load(folder.path());
  const auto backend = make_cpu_backend();
  std::vector<TokenId> ids;
  for (int i = 0; i < 130; ++i) {
    ids.push_back(i * 13 % 1999);
  }
  const std::int32_t starts[] = {0, 130};
  PointSet points;
  for (const Point point : points_of(model->config())) {
    points.read(point, [](ConstMatRef, const PointContext&) {});
  }
  std::vector<Matrix> logits;
  const PointSet none;
  for (const PointSet* set : {&none, &std::as_const(points)}) {
    KvCache cache(model->config(), *backend, 1);
    logits.push_back(model->forward(*backend, {ids, starts}, cache,
                                    {.precision = Precision::F32, .points = set}));
  }
  EXPECT_EQ(std::memcmp(logits[0].ref().data, logits[1].ref().data, 1999 * sizeof(float)), 0);
}

// The issue's bound: within 100 times f32's error at every point of the golden bf16 case.
TEST(Precision, SplitBf16StaysWithinAHundredTimesTheErrorOfF32) {
  const auto backend = make_cpu_backend();
  fs::path folder;
  for (const fs::path& f : testing::golden_folders("models")) {
    folder = f.filename() == "llama_bf16" ? f : folder;
  }
  if (!backend->has(Precision::BF16x2)) {
    GTEST_SKIP() << "this processor has no bf16 products";
  }
  const auto model = Model::load(folder);
  EXPECT_EQ(model->default_precision(*backend), Precision::BF16x2);
  const auto expected = Safetensors::open(folder / "expected.safetensors");
  const Json notes = Json::load(folder / "expected.json");
  for (const char* sequence : {"A", "B", "C"}) {
    std::vector<TokenId> tokens;
    for (const Json& id : notes.at("tokens", "").at(sequence, "").as_array("")) {
      tokens.push_back(static_cast<TokenId>(id.as_int("")));
    }
    PointSet points;
    for (const Point point : points_of(model->config())) {
      points.read(point, [&](ConstMatRef value, const PointContext& context) {
        const std::string name = std::string(sequence) + "/" + name_of(context.point);
        const StoredTensor* tensor = expected->find(name);
        if (tensor == nullptr) {
          return;
        }
        const ConstMatRef want = as_matrix(*tensor);
        const Json& note = notes.at("tensors", "").at(name, "");
        EXPECT_LE(testing::largest_error(value, want),
                  100.0 * note.at("f32_error", "").as_double(""))
            << name;
      });
    }
    KvCache cache(model->config(), *backend, 1);
    const std::int32_t starts[] = {0, static_cast<std::int32_t>(tokens.size())};
    model->forward(*backend, {tokens, starts}, cache,
                   {.precision = Precision::BF16x2, .logits = LogitRows::All, .points = &points});
  }
}

}  // namespace
}  // namespace cajal
