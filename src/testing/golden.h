// Where tests find golden numbers: the core committed in tests/golden, and the full set beside
// the project when it is there.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace cajal::testing {

/// tests/golden/<set>, always there.
std::filesystem::path golden_core(const std::string& set);

/// $CAJAL_SHARED (default: ../shared beside the project); empty path if there is none.
std::filesystem::path shared_folder();

/// Every folder of the set, core first, then those of shared/golden/<set> that the core lacks.
/// Sorted by name within each.
std::vector<std::filesystem::path> golden_folders(const std::string& set);

/// Notes that a case of the set ("models", "tokenizers", ...) passed from `folder`; the counts are
/// appended to $CAJAL_GOLDEN_COUNTS, from which ./check prints its last line.
void count_golden_case(const std::string& set, const std::filesystem::path& folder);

/// For a test that needs something this machine lacks: reports a skip with `why`, or a failure if
/// $CAJAL_REQUIRE names `what` ("golden", "browser", ...). Use as: if (!require(...)) return;
bool have_or_skip(bool have, const std::string& what, const std::string& why);

}  // namespace cajal::testing
