// SHA-256 (FIPS 180-4), for golden files that name a hash instead of a long list.
#pragma once

#include <string>
#include <string_view>

namespace cajal::testing {

/// 64 hexadecimal digits.
std::string sha256(std::string_view bytes);

}  // namespace cajal::testing
