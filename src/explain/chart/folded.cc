#include "explain/chart/folded.h"

#include <algorithm>

#include "explain/chart/chart_words.h"

namespace cajal {

std::string folded(const std::string& text, std::size_t width, std::size_t indent) {
  std::string out;
  std::string line;
  std::string word;
  const auto flush = [&] {
    if (!line.empty() && terminal_width(line) + 1 + terminal_width(word) > width) {
      out += line + "\n";
      line = std::string(indent, ' ') + word;
    } else {
      line += (line.empty() ? "" : " ") + word;
    }
    word.clear();
  };
  const std::size_t begin = std::min(text.find_first_not_of(' '), text.size());
  line.clear();
  word = text.substr(0, begin);
  for (const char c : text.substr(begin)) {
    if (c == ' ') {
      flush();
    } else {
      word += c;
    }
  }
  flush();
  return out + line + "\n";
}

std::string notes_text(std::span<const std::string> notes, const std::string& footer,
                       std::size_t width) {
  std::string out;
  for (const std::string& note : notes) {
    out += folded("  " + shown_token(note), width, 2);
  }
  return footer.empty() ? out : out + folded("  " + shown_token(footer), width, 2);
}

}  // namespace cajal
