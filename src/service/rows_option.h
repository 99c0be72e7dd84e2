// How many features of a graph get a row, as commands take it: "all", "auto" or a number.
#pragma once

#include <stop_token>
#include <string>

#include "service/fields.h"
#include "trace/trace.h"

namespace cajal {

/// --rows.
FieldInfo rows_field();

/// Throws InvalidArgument for other texts.
TraceOptions options_of_rows(const std::string& rows, std::stop_token cancel = {});

}  // namespace cajal
