#include "base/markup.h"

#include "base/utf8.h"

namespace cajal {
namespace {

bool is_allowed(char32_t c) {
  const bool control = (c < 0x20 && c != '\n' && c != '\t') || (c >= 0x7F && c < 0xA0);
  return !control && c != 0xFFFE && c != 0xFFFF;
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string out;
  for (const char32_t c : to_utf32(text)) {
    switch (c) {
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '&':
        out += "&amp;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        append_utf8(out, is_allowed(c) ? c : kReplacement);
    }
  }
  return out;
}

}  // namespace cajal
