// Weights stay where they are: a process that runs a model needs little more than its file.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <spawn.h>
#include <sys/wait.h>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "io/json.h"
#include "model/model.h"
#include "testing/files.h"
#include "testing/random_gguf.h"
#include "testing/random_model.h"

namespace cajal {
namespace {

namespace fs = std::filesystem;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kInstrumented = true;
#elif defined(__has_feature)
constexpr bool kInstrumented = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
constexpr bool kInstrumented = false;
#endif

constexpr std::size_t kPrompt = 64;

testing::LlamaShape large(std::size_t vocab, std::size_t d_model) {
  return {.vocab = vocab,
          .d_model = d_model,
          .d_mlp = 4 * d_model,
          .layers = 4,
          .heads = d_model / 64,
          .context = 512};
}
constexpr testing::LlamaShape kTiny = {
    .vocab = 256, .d_model = 64, .d_mlp = 128, .layers = 1, .heads = 1, .context = 512};

std::string config(const testing::LlamaShape& n, const char* dtype) {
  return Json::object({{"model_type", "llama"},
                       {"dtype", dtype},
                       {"vocab_size", n.vocab},
                       {"hidden_size", n.d_model},
                       {"intermediate_size", n.d_mlp},
                       {"num_hidden_layers", n.layers},
                       {"num_attention_heads", n.heads},
                       {"num_key_value_heads", n.heads},
                       {"head_dim", n.d_model / n.heads},
                       {"max_position_embeddings", n.context},
                       {"tie_word_embeddings", true}})
      .dump();
}

/// Bytes beside program and weights. Cache: keys and values for up to 128 tokens in f32.
/// Activations: rows of the widths one layer keeps at a time, and one row of logits.
double cache_and_activations(const testing::LlamaShape& n) {
  const std::size_t cache = n.layers * 2 * 128 * n.d_model;
  const std::size_t activations = kPrompt * (12 * n.d_model + 3 * n.d_mlp) + n.vocab;
  return static_cast<double>((cache + activations) * sizeof(float));
}

/// What the child process does: a prompt and a few tokens, on the usual precision.
void run_model(const fs::path& path) {
  const auto model = Model::load(path);
  const auto backend = make_cpu_backend();
  KvCache cache(model->config(), *backend, 1);
  std::vector<TokenId> ids(kPrompt, 7);
  for (int i = 0; i < 4; ++i) {
    const std::int32_t starts[] = {0, static_cast<std::int32_t>(ids.size())};
    model->forward(*backend, {ids, starts}, cache,
                   {.precision = model->default_precision(*backend)});
    ids = {static_cast<TokenId>(i)};
  }
}

/// Peak resident bytes of this process. Unlike what wait4 reports of a child, it has no share of
/// the process that started it.
double peak_of_this_process() {
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word && word != "VmHWM:") {
  }
  double kilobytes = 0.0;
  status >> kilobytes;
  return kilobytes * 1024.0;
}

/// Peak resident bytes of this test program run again with the model at `path`.
double peak_of_child(const fs::path& path) {
  const testing::TemporaryFolder folder;
  const fs::path answer = folder / "peak";
  ::setenv("CAJAL_MEMORY_TEST_MODEL", path.c_str(), 1);
  ::setenv("CAJAL_MEMORY_TEST_PEAK", answer.c_str(), 1);
  std::string program = "/proc/self/exe";
  std::string filter = "--gtest_filter=Memory.DISABLED_ChildRunsTheModel";
  std::string also = "--gtest_also_run_disabled_tests";
  char* arguments[] = {program.data(), filter.data(), also.data(), nullptr};
  pid_t pid = 0;
  EXPECT_EQ(::posix_spawn(&pid, program.c_str(), nullptr, nullptr, arguments, environ), 0);
  int status = 0;
  EXPECT_EQ(::waitpid(pid, &status, 0), pid);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  ::unsetenv("CAJAL_MEMORY_TEST_MODEL");
  ::unsetenv("CAJAL_MEMORY_TEST_PEAK");
  double peak = 0.0;
  std::ifstream(answer) >> peak;
  EXPECT_GT(peak, 0.0);
  return peak;
}

double peak_of_random_model(const testing::LlamaShape& shape, const char* dtype) {
  const testing::TemporaryFolder folder;
  testing::write_random_model(folder.path(), config(shape, dtype));
  return peak_of_child(folder.path());
}

double peak_of_random_gguf(const testing::LlamaShape& shape) {
  const testing::TemporaryFolder folder;
  testing::write_random_gguf(folder / "model.gguf", shape);
  return peak_of_child(folder / "model.gguf");
}

double weights_of(const testing::LlamaShape& n, std::size_t bytes) {
  const std::size_t layer = 4 * n.d_model * n.d_model + 3 * n.d_model * n.d_mlp;
  return static_cast<double>((n.vocab * n.d_model + n.layers * layer) * bytes);
}

// Run by the tests below, in a process of its own.
TEST(Memory, DISABLED_ChildRunsTheModel) {
  const char* path = std::getenv("CAJAL_MEMORY_TEST_MODEL");
  const char* answer = std::getenv("CAJAL_MEMORY_TEST_PEAK");
  ASSERT_TRUE(path != nullptr && answer != nullptr);
  run_model(path);
  std::ofstream(answer) << fmt::format("{}", peak_of_this_process());
}

TEST(Memory, PeakIsTheFileAndAFifthMore) {
  if (kInstrumented) {
    GTEST_SKIP() << "sanitizers need memory of their own";
  }
  const testing::LlamaShape shape = large(16000, 1024);
  for (const char* dtype : {"bfloat16", "float32"}) {
    const double program = peak_of_random_model(kTiny, dtype);
    const double peak = peak_of_random_model(shape, dtype);
    const double file = weights_of(shape, std::string_view(dtype) == "float32" ? 4 : 2);
    EXPECT_LT(peak - program, 1.2 * file + cache_and_activations(shape))
        << dtype << ", file of " << file << ", program alone " << program;
  }
}

TEST(Memory, PeakOfQuantisedWeightsIsTheirDecodedSizeAndAFifthMore) {
  if (kInstrumented) {
    GTEST_SKIP() << "sanitizers need memory of their own";
  }
  const testing::LlamaShape shape = large(8000, 512);
  const double program = peak_of_random_gguf(kTiny);
  const double peak = peak_of_random_gguf(shape);
  EXPECT_LT(peak - program, 1.2 * weights_of(shape, sizeof(float)) + cache_and_activations(shape))
      << "decoded size " << weights_of(shape, sizeof(float)) << ", program alone " << program;
}

}  // namespace
}  // namespace cajal
