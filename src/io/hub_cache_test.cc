#include "io/hub_cache.h"

#include <cstdlib>

#include <gtest/gtest.h>

#include "base/file.h"
#include "testing/files.h"

namespace cajal {
namespace {

namespace fs = std::filesystem;
using testing::TemporaryFolder;
using testing::thrown_by;

/// Sets the variables that decide where the cache is; all others of them are unset.
class Environment {
 public:
  explicit Environment(const char* name, const std::string& value) {
    for (const char* other : {"HF_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME", "HOME"}) {
      const char* old = std::getenv(other);
      old_.emplace_back(other, old == nullptr ? std::optional<std::string>() : old);
      ::unsetenv(other);
    }
    ::setenv(name, value.c_str(), 1);
  }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;
  ~Environment() {
    for (const auto& [name, value] : old_) {
      if (value) {
        ::setenv(name.c_str(), value->c_str(), 1);
      } else {
        ::unsetenv(name.c_str());
      }
    }
  }

 private:
  std::vector<std::pair<std::string, std::optional<std::string>>> old_;
};

void make_model(const fs::path& hub, const std::string& commit) {
  const fs::path model = hub / "models--org--a.model-1_x";
  fs::create_directories(model / "refs" / "pr");
  fs::create_directories(model / "snapshots" / commit);
  write_file(model / "refs" / "main", commit);
  write_file(model / "refs" / "pr" / "1", commit + "\n");
}

TEST(HubCache, FollowsTheReferenceToTheSnapshot) {
  const TemporaryFolder folder;
  make_model(folder.path(), "0123abc");
  const Environment environment("HF_HUB_CACHE", folder.path().string());
  const fs::path expected = folder / "models--org--a.model-1_x" / "snapshots" / "0123abc";
  EXPECT_EQ(find_in_hub_cache("org/a.model-1_x"), expected);
  EXPECT_EQ(find_in_hub_cache("org/a.model-1_x", "pr/1"), expected);
  EXPECT_EQ(find_in_hub_cache("org/a.model-1_x", "0123abc"), expected);
  EXPECT_EQ(find_in_hub_cache("org/a.model-1_x", "other"), std::nullopt);
  EXPECT_EQ(find_in_hub_cache("org/other"), std::nullopt);
}

TEST(HubCache, LooksWhereTheVariablesSay) {
  const TemporaryFolder folder;
  const std::string root = folder.path().string();
  make_model(folder / "home" / "hub", "a1");
  make_model(folder / "xdg" / "huggingface" / "hub", "a2");
  make_model(folder / "user" / ".cache" / "huggingface" / "hub", "a3");
  const auto found = [](const char* name, const std::string& value) {
    const Environment environment(name, value);
    return find_in_hub_cache("org/a.model-1_x").value_or("").filename();
  };
  EXPECT_EQ(found("HF_HOME", root + "/home"), "a1");
  EXPECT_EQ(found("XDG_CACHE_HOME", root + "/xdg"), "a2");
  EXPECT_EQ(found("HOME", root + "/user"), "a3");
  EXPECT_EQ(found("HF_HOME", ""), "");
}

TEST(HubCache, RefusesNamesThatAreNoneOfTheHub) {
  for (const char* name : {"", "org", "org/", "/name", "../x", "org/..", "org/a/b", "a..b/c",
                           "org/.x", "org/-x", "org/a b", "org/\n", "org\\x/y"}) {
    EXPECT_FALSE(is_hub_name(name)) << name;
    EXPECT_EQ(thrown_by([&] { find_in_hub_cache(name); }).code, ErrorCode::InvalidArgument) << name;
  }
  for (const char* revision : {"", "..", "../../x", "a//b", "/a", "a/"}) {
    EXPECT_EQ(thrown_by([&] { find_in_hub_cache("org/x", revision); }).code,
              ErrorCode::InvalidArgument)
        << revision;
  }
}

TEST(HubCache, RefusesAReferenceThatClimbs) {
  const TemporaryFolder folder;
  make_model(folder.path(), "a1");
  write_file(folder / "models--org--a.model-1_x" / "refs" / "main", "../../../etc");
  const Environment environment("HF_HUB_CACHE", folder.path().string());
  EXPECT_EQ(thrown_by([] { find_in_hub_cache("org/a.model-1_x"); }).code, ErrorCode::CorruptData);
}

}  // namespace
}  // namespace cajal
