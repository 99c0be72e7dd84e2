#include "testing/golden.h"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "testing/files.h"

namespace cajal::testing {
namespace {

namespace fs = std::filesystem;

/// Sets an environment variable for one test.
class Environment {
 public:
  Environment(const char* name, const std::string& value) : name_(name) {
    const char* old = std::getenv(name);
    had_ = old != nullptr;
    old_ = had_ ? old : "";
    ::setenv(name, value.c_str(), 1);
  }
  ~Environment() { had_ ? ::setenv(name_, old_.c_str(), 1) : ::unsetenv(name_); }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  const char* name_;
  bool had_ = false;
  std::string old_;
};

std::string content(const fs::path& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// Makes golden/models/{llama,not_in_the_core} in a folder; its path as the system has it.
fs::path small_shared(const TemporaryFolder& folder) {
  fs::create_directories(folder / "golden/models/llama");
  fs::create_directories(folder / "golden/models/not_in_the_core");
  return fs::canonical(folder.path());
}

TEST(Golden, TheFullSetIsBesideTheProject) {
  if (!have_or_skip(!shared_folder().empty(), "golden",
                    "no full golden set: put it at ../shared or name it in CAJAL_SHARED")) {
    return;
  }
  EXPECT_FALSE(golden_folders("models").empty());
}

TEST(Golden, WithoutTheFullSetTheCoreStandsAlone) {
  const Environment shared("CAJAL_SHARED", "/nowhere");
  const auto folders = golden_folders("models");
  ASSERT_FALSE(folders.empty());
  for (const auto& folder : folders) {
    EXPECT_EQ(folder.parent_path(), golden_core("models"));
  }
}

TEST(Golden, AFolderOfTheFullSetReplacesTheCoresOwn) {
  const TemporaryFolder temporary;
  const fs::path root = small_shared(temporary);
  const Environment shared("CAJAL_SHARED", root);
  const auto folders = golden_folders("models");
  EXPECT_THAT(folders, ::testing::Contains(root / "golden/models/llama"));
  EXPECT_THAT(folders, ::testing::Contains(root / "golden/models/not_in_the_core"));
  std::set<std::string> names;
  for (const auto& folder : folders) {
    EXPECT_TRUE(names.insert(folder.filename()).second) << folder;
  }
}

TEST(Golden, CircuitsAreWholeAndFoundByName) {
  const Environment shared("CAJAL_SHARED", "/nowhere");
  std::set<std::string> names;
  each_circuit_folder([&](const fs::path& folder) {
    EXPECT_TRUE(fs::exists(folder / "expected.json"));
    EXPECT_TRUE(fs::is_directory(folder / "model"));
    EXPECT_TRUE(fs::is_directory(folder / "transcoders"));
    names.insert(folder.filename());
  });
  EXPECT_THAT(names, ::testing::Contains("llama_plt_topk"));
  EXPECT_EQ(circuit_or_skip("llama_plt_topk"), golden_core("circuits") / "llama_plt_topk");
}

TEST(Golden, CasesAreNotedAsFullAndAsCore) {
  const TemporaryFolder temporary;
  const fs::path root = small_shared(temporary);
  const Environment shared("CAJAL_SHARED", root);
  const Environment counts("CAJAL_GOLDEN_COUNTS", root / "counts");
  count_golden_case("models", root / "golden/models/llama");
  count_golden_case("models", root / "golden/models/not_in_the_core");
  count_golden_case("models", golden_core("models") / "gpt2");
  EXPECT_EQ(
      content(root / "counts"),
      "full models/llama\ncore models/llama\nfull models/not_in_the_core\ncore models/gpt2\n");
}

}  // namespace
}  // namespace cajal::testing
