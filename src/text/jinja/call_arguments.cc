#include "text/jinja/call_arguments.h"

#include <algorithm>

#include "text/jinja/failure.h"

namespace cajal::jinja {

Bound::Bound(std::string_view function, Arguments arguments,
             std::initializer_list<std::string_view> names, std::size_t required)
    : function_(function), values_(names.size()) {
  if (arguments.positional.size() > names.size()) {
    raise(FailureKind::Type, "{}() takes at most {} arguments ({} given)", function, names.size(),
          arguments.positional.size());
  }
  std::ranges::move(arguments.positional, values_.begin());
  for (auto& [name, value] : arguments.named) {
    const auto* it = std::ranges::find(names, name);
    if (it == names.end()) {
      raise(FailureKind::Type, "{}() got an unexpected keyword argument '{}'", function, name);
    }
    auto& slot = values_[static_cast<std::size_t>(it - names.begin())];
    if (slot) {
      raise(FailureKind::Type, "{}() got multiple values for argument '{}'", function, name);
    }
    slot = std::move(value);
  }
  for (std::size_t i = 0; i < required; ++i) {
    if (!values_[i]) {
      raise(FailureKind::Type, "{}() is missing the argument '{}'", function, names.begin()[i]);
    }
  }
}

Int Bound::integer(std::size_t i, Int otherwise) const {
  if (!has(i)) {
    return otherwise;
  }
  if (!at(i).is_integral()) {
    raise(FailureKind::Type, "{}(): '{}' object cannot be interpreted as an integer", function_,
          at(i).type_name());
  }
  return at(i).as_int();
}

const std::string& Bound::text(std::size_t i) const {
  if (!at(i).is_text()) {
    raise(FailureKind::Type, "{}() argument must be str, not {}", function_, at(i).type_name());
  }
  return at(i).as_text();
}

}  // namespace cajal::jinja
