// Rewrites a regular expression from Oniguruma's Ruby syntax to PCRE2's.
//
// Character classes are resolved to the code points that the reference library gives them, so the
// result does not depend on the Unicode version that PCRE2 was built with.
#pragma once

#include <string>
#include <string_view>

namespace cajal {

/// For PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE with newline LF. Throws CorruptData for what is no
/// regular expression, Unsupported for syntax without an equal; both name `where`.
std::string to_pcre2_syntax(std::string_view pattern, std::string_view where);

}  // namespace cajal
