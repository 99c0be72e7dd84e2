#include "testing/golden.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>

#include <gtest/gtest.h>

namespace cajal::testing {
namespace {

namespace fs = std::filesystem;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::vector<fs::path> sorted_folders(const fs::path& root) {
  std::vector<fs::path> out;
  if (fs::is_directory(root)) {
    for (const auto& entry : fs::directory_iterator(root)) {
      if (entry.is_directory()) {
        out.push_back(entry.path());
      }
    }
  }
  std::sort(out.begin(), out.end());
  return out;
}

bool required(const std::string& what) {
  std::istringstream list(environment("CAJAL_REQUIRE"));
  std::string item;
  while (std::getline(list, item, ',')) {
    if (item == what) {
      return true;
    }
  }
  return false;
}

}  // namespace

fs::path golden_core(const std::string& set) {
  return fs::path(CAJAL_SOURCE_DIR) / "tests" / "golden" / set;
}

fs::path shared_folder() {
  const std::string given = environment("CAJAL_SHARED");
  const fs::path folder =
      given.empty() ? fs::path(CAJAL_SOURCE_DIR) / ".." / "shared" : fs::path(given);
  return fs::is_directory(folder) ? fs::canonical(folder) : fs::path();
}

std::vector<fs::path> golden_folders(const std::string& set) {
  std::vector<fs::path> out = sorted_folders(golden_core(set));
  std::set<fs::path> names;
  for (const auto& folder : out) {
    names.insert(folder.filename());
  }
  if (!shared_folder().empty()) {
    for (const auto& folder : sorted_folders(shared_folder() / "golden" / set)) {
      if (!names.contains(folder.filename())) {
        out.push_back(folder);
      }
    }
  }
  return out;
}

void count_golden_case(const std::string& set, const fs::path& folder) {
  const std::string file = environment("CAJAL_GOLDEN_COUNTS");
  if (file.empty()) {
    return;
  }
  const fs::path core = golden_core(set);
  const bool in_core = folder.string().starts_with(core.string());
  std::ofstream(file, std::ios::app) << (in_core ? "core " : "full ") << set << "\n";
}

bool have_or_skip(bool have, const std::string& what, const std::string& why) {
  if (have) {
    return true;
  }
  if (required(what)) {
    ADD_FAILURE() << why << " (CAJAL_REQUIRE names " << what << ")";
    return false;
  }
  const std::string file = environment("CAJAL_GOLDEN_COUNTS");
  if (!file.empty()) {
    std::ofstream(file, std::ios::app) << "skipped " << what << "\n";
  }
  [&why]() { GTEST_SKIP() << why; }();
  return false;
}

}  // namespace cajal::testing
