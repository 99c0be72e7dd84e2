// Text within SVG and HTML. Everything a picture says comes from models and files: all of it goes
// through escaped().
#pragma once

#include <string>
#include <string_view>

namespace cajal {

/// Safe between tags and within quoted attributes, of XML too: markup characters as entities,
/// broken UTF-8 and characters that XML forbids as U+FFFD. Line breaks and tabs stay.
std::string escaped(std::string_view text);

}  // namespace cajal
