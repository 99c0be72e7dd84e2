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

  /// A text that is to stay is left there; it is a note where there is no terminal.
  void show(std::string_view text, bool stays = false);
  /// A note under what is shown, which stays.
  void note(std::string_view sentence);

 private:
  void end();

  const Console& console_;
  bool live_;
  bool shown_ = false;
};

}  // namespace cajal
