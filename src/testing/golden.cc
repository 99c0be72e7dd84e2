#include "testing/golden.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <map>
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

/// One write to a file opened for appending, so that lines of several processes never mix.
void note(const std::string& line) {
  const std::string file = environment("CAJAL_GOLDEN_COUNTS");
  if (!file.empty()) {
    std::ofstream(file, std::ios::app) << line + "\n";
  }
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
  std::map<std::string, fs::path> by_name;
  for (const auto& folder : sorted_folders(golden_core(set))) {
    by_name[folder.filename()] = folder;
  }
  if (!shared_folder().empty()) {
    for (const auto& folder : sorted_folders(shared_folder() / "golden" / set)) {
      by_name[folder.filename()] = folder;
    }
  }
  std::vector<fs::path> out;
  for (const auto& [name, folder] : by_name) {
    out.push_back(folder);
  }
  return out;
}

void count_golden_case(const std::string& set, const fs::path& folder) {
  const fs::path in_core = folder.lexically_relative(golden_core(set));
  const bool from_core = !in_core.empty() && *in_core.begin() != "..";
  const fs::path name =
      from_core ? in_core : folder.lexically_relative(shared_folder() / "golden" / set);
  if (!from_core) {
    note("full " + set + "/" + name.string());
  }
  if (!name.empty() && fs::exists(golden_core(set) / *name.begin())) {
    note("core " + set + "/" + name.string());
  }
}

bool have_or_skip(bool have, const std::string& what, const std::string& why) {
  if (have) {
    return true;
  }
  if (required(what)) {
    ADD_FAILURE() << why << " (CAJAL_REQUIRE names " << what << ")";
    return false;
  }
  note("skipped " + what + ": " + why);
  [&why]() { GTEST_SKIP() << why; }();
  return false;
}

std::vector<fs::path> circuit_folders() {
  std::vector<fs::path> out = golden_folders("circuits");
  std::erase_if(out, [](const fs::path& f) { return !fs::exists(f / "model"); });
  for (const fs::path& folder : out) {
    for (const char* file : {"expected.json", "expected.safetensors", "transcoders"}) {
      EXPECT_TRUE(fs::exists(folder / file)) << folder << " has no " << file;
    }
  }
  return out;
}

void each_circuit_folder(const std::function<void(const fs::path& folder)>& body) {
  const std::vector<fs::path> folders = circuit_folders();
  if (!have_or_skip(!folders.empty(), "golden", "there are no golden circuits")) {
    return;
  }
  for (const fs::path& folder : folders) {
    SCOPED_TRACE(folder.filename().string());
    body(folder);
  }
}

fs::path circuit_or_skip(const std::string& name) {
  for (const fs::path& folder : circuit_folders()) {
    if (folder.filename() == name) {
      return folder;
    }
  }
  have_or_skip(false, "golden", "there is no golden circuit " + name);
  return {};
}

}  // namespace cajal::testing
