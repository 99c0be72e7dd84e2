// Arguments of a call matched to parameter names, as Python does it.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/jinja/value.h"

namespace cajal::jinja {

/// Arguments in the order of `names`. Raises Type for too many, unknown, doubled or (of the first
/// `required`) missing ones.
class Bound {
 public:
  Bound(std::string_view function, Arguments arguments,
        std::initializer_list<std::string_view> names, std::size_t required = 0);

  bool has(std::size_t i) const { return values_[i].has_value(); }
  const Value& at(std::size_t i) const { return *values_[i]; }
  Value value_or(std::size_t i, Value otherwise) const {
    return has(i) ? at(i) : std::move(otherwise);
  }
  /// As in Python `x is None` counts as absent.
  bool given(std::size_t i) const { return has(i) && !at(i).is_none(); }
  bool truthy(std::size_t i) const { return has(i) && at(i).truthy(); }
  /// Raise Type if the argument is of another type.
  Int integer(std::size_t i, Int otherwise) const;
  const std::string& text(std::size_t i) const;

 private:
  std::string_view function_;
  std::vector<std::optional<Value>> values_;
};

}  // namespace cajal::jinja
