#include "service/rows_option.h"

#include "base/error.h"
#include "base/whole_number.h"

namespace cajal {

FieldInfo rows_field() {
  return {.name = "rows",
          .help =
              "features to follow back: a number, all, or auto (until less than 2 % of the "
              "influence is left)",
          .value = "N|all|auto"};
}

TraceOptions options_of_rows(const std::string& rows, std::stop_token cancel) {
  if (rows == "auto") {
    return rows_as_needed(std::move(cancel));
  }
  TraceOptions out{.cancel = std::move(cancel)};
  if (rows != "all") {
    const std::optional<std::size_t> number = whole_number(rows);
    check(number.has_value(), "rows is '{}': give a number, all, or auto", rows);
    out.max_features = *number;
  }
  return out;
}

}  // namespace cajal
