// Weights stay where they are: a process that runs a model needs little more than its file.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <gtest/gtest.h>

#include "model/model.h"
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

std::string config(const char* dtype) {
  return std::string(R"({"model_type": "llama", "dtype": ")") + dtype + R"(", "vocab_size": 16000,
  "hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 4,
  "num_attention_heads": 16, "num_key_value_heads": 16, "head_dim": 64,
  "max_position_embeddings": 512, "tie_word_embeddings": true})";
}

/// What the child process does: a prompt and a few tokens, on the usual precision.
void run_model(const fs::path& folder) {
  const auto model = Model::load(folder);
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

/// Peak resident bytes of this test program run again with `folder` as its model.
double peak_of_child(const fs::path& folder) {
  ::setenv("CAJAL_MEMORY_TEST_MODEL", folder.c_str(), 1);
  std::string program = "/proc/self/exe";
  std::string filter = "--gtest_filter=Memory.DISABLED_ChildRunsTheModel";
  std::string also = "--gtest_also_run_disabled_tests";
  char* arguments[] = {program.data(), filter.data(), also.data(), nullptr};
  pid_t pid = 0;
  EXPECT_EQ(::posix_spawn(&pid, program.c_str(), nullptr, nullptr, arguments, environ), 0);
  int status = 0;
  rusage usage{};
  EXPECT_EQ(::wait4(pid, &status, 0, &usage), pid);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  ::unsetenv("CAJAL_MEMORY_TEST_MODEL");
  return static_cast<double>(usage.ru_maxrss) * 1024.0;
}

// Run by the test below, in a process of its own.
TEST(Memory, DISABLED_ChildRunsTheModel) {
  const char* folder = std::getenv("CAJAL_MEMORY_TEST_MODEL");
  ASSERT_NE(folder, nullptr);
  run_model(folder);
}

TEST(Memory, PeakIsTheFileAndAFifthMore) {
  if (kInstrumented) {
    GTEST_SKIP() << "sanitizers need memory of their own";
  }
  for (const char* dtype : {"bfloat16", "float32"}) {
    std::string name = (fs::temp_directory_path() / "cajal-test-XXXXXX").string();
    const fs::path folder = ::mkdtemp(name.data());
    testing::write_random_model(folder, config(dtype));
    const auto file = static_cast<double>(fs::file_size(folder / "model.safetensors"));
    const double peak = peak_of_child(folder);
    fs::remove_all(folder);
    // Cache: keys and values of 4 layers for up to 128 tokens in f32. Activations: rows of the
    // widths one layer keeps at a time, and one row of logits. Program and libraries: 48 MB.
    const double cache = 4.0 * 2 * 128 * 1024 * 4;
    const double activations =
        static_cast<double>(kPrompt) * (12 * 1024 + 3 * 4096) * 4 + 16000 * 4;
    const double program = 48e6;
    EXPECT_LT(peak, 1.2 * file + cache + activations + program) << dtype << ", file of " << file;
  }
}

}  // namespace
}  // namespace cajal
