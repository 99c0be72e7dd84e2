// A line on the terminal that changes while work goes on.
#pragma once

#include <string_view>

#include "cli/console.h"

namespace cajal {

/// On standard error; nothing with -q, or where that is no terminal. The line goes away with the
/// object.
class LiveLine {
 public:
  explicit LiveLine(const Console& console);
  LiveLine(const LiveLine&) = delete;
  LiveLine& operator=(const LiveLine&) = delete;
  ~LiveLine();

  void show(std::string_view text);
  /// Shows the text and leaves it there; a note where there is no terminal.
  void keep(std::string_view text);
  /// A note under what is shown, which stays.
  void note(std::string_view sentence);

 private:
  void end();

  const Console& console_;
  bool live_;
  bool shown_ = false;
};

}  // namespace cajal
