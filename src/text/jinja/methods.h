// Methods of Python's own types.
#pragma once

#include <optional>
#include <string_view>

#include "text/jinja/value.h"

namespace cajal::jinja {

/// The method, bound to x; nullopt if the type has no attribute of that name. Methods of Python
/// that are not supported here raise Unsupported when called; those that change their object are
/// undefined values that raise Security when used.
std::optional<Value> method_of(const Value& x, std::string_view name);

/// Methods of texts (text_methods.cc): nullopt as above.
std::optional<Value> text_method(const Value& x, std::string_view name);

}  // namespace cajal::jinja
