// Which cajal this is, for --version and the provenance of results.
#pragma once

#include <string_view>

namespace cajal {

/// "0.1.0", as in semver.org.
std::string_view version() noexcept;

/// The commit this was built from, twelve hex digits; "unknown" outside a git clone.
std::string_view git_commit() noexcept;

}  // namespace cajal
