// Tables of fields as command line flags. With program.cc the only place that knows CLI11.
#pragma once

#include <string>
#include <vector>

#include "service/fields.h"

namespace CLI {  // NOLINT(readability-identifier-naming): it is CLI11's
class App;
}

namespace cajal {

/// "top_k" as "--top-k".
std::string flag_name(std::string_view field);

/// One flag for each field, and an argument for the positional one. What the fields point to must
/// live until the command line is parsed.
void add_flags(CLI::App& command, const std::vector<BoundField>& fields);

}  // namespace cajal
