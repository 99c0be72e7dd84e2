#include "cli/live_line.h"

#include <cstdio>
#include <unistd.h>

namespace cajal {
namespace {

constexpr std::string_view kClear = "\r\x1b[K";

}  // namespace

LiveLine::LiveLine(const Console& console)
    : console_(console), live_(!console.flags().quiet && ::isatty(STDERR_FILENO) == 1) {}

LiveLine::~LiveLine() {
  if (shown_) {
    std::fwrite(kClear.data(), 1, kClear.size(), stderr);
  }
}

void LiveLine::show(std::string_view text, bool stays) {
  if (live_) {
    const std::string line = fmt::format("{}{}", kClear, text);
    std::fwrite(line.data(), 1, line.size(), stderr);
    shown_ = true;
  } else if (stays) {
    console_.note(text);
  }
  if (stays) {
    end();
  }
}

void LiveLine::note(std::string_view sentence) {
  end();
  console_.note(sentence);
}

void LiveLine::end() {
  if (shown_) {
    std::fputc('\n', stderr);
    shown_ = false;
  }
}

}  // namespace cajal
