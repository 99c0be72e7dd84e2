// Where tests find golden numbers: the core committed in tests/golden, and the full set beside
// the project when it is there.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace cajal::testing {

/// tests/golden/<set>, always there.
std::filesystem::path golden_core(const std::string& set);

/// $CAJAL_SHARED (default: ../shared beside the project); empty path if there is none.
std::filesystem::path shared_folder();

/// Every folder of the set by name, each once: the full set's where it is there (the core may hold
/// only part of what is expected), else the core's.
std::vector<std::filesystem::path> golden_folders(const std::string& set);

/// Notes in $CAJAL_GOLDEN_COUNTS that the case `folder` (or a path below one) of the set ("models",
/// "tokenizers", ...) passed: as "full" if it lies in the full set, as "core" if the core has it
/// too. Noting a case again, or from another process at the same time, does no harm: ./check counts
/// distinct lines for its last one.
void count_golden_case(const std::string& set, const std::filesystem::path& folder);

/// For a test that needs something this machine lacks: reports a skip with `why`, or a failure if
/// $CAJAL_REQUIRE names `what` ("golden", "browser", ...). Use as: if (!have_or_skip(...)) return;
bool have_or_skip(bool have, const std::string& what, const std::string& why);

/// The folders of golden/circuits, as golden_folders has them; each holds model/, transcoders/,
/// expected.json and expected.safetensors.
std::vector<std::filesystem::path> circuit_folders();
/// Calls `body` for each, with its name beside what fails; skips the test where there is none.
void each_circuit_folder(const std::function<void(const std::filesystem::path& folder)>& body);
/// The one of that name; where it is not there, skips the test and returns an empty path.
std::filesystem::path circuit_or_skip(const std::string& name);

}  // namespace cajal::testing
