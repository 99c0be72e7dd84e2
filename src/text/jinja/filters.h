// Jinja's filters: one table, filled by filters_text.cc (which make text) and filters_list.cc
// (which take or make sequences).
#pragma once

#include <string_view>

#include "text/jinja/value.h"

namespace cajal::jinja {

using Filter = Value (*)(Evaluator&, const Value&, Arguments);

/// nullptr if there is no such filter.
Filter text_filter(std::string_view name);
Filter list_filter(std::string_view name);

bool is_filter(std::string_view name);
bool is_test(std::string_view name);

}  // namespace cajal::jinja
