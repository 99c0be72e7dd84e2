// Sets of characters by name, for regular expressions.
#pragma once

#include <optional>
#include <string_view>

#include "text/code_point_set.h"

namespace cajal {

/// A general category ("L", "Lu", "Letter") or "Han", "Alpha", "Space", "Word", "Any", ...; nullopt
/// if it is none of those.
std::optional<CodePointSet> property_set(std::string_view name);
/// The sets of "[:name:]"; nullopt for names that are not known.
std::optional<CodePointSet> posix_set(std::string_view name);
const CodePointSet& regex_word_set();
const CodePointSet& space_set();

}  // namespace cajal
