// Ctrl-C, and being told to end: asks the work to stop, and ends the program if it does not.
#pragma once

#include <atomic>
#include <stop_token>
#include <thread>

namespace cajal {

inline constexpr int kInterrupted = 130;  // exit code, as shells have it: 128 + SIGINT

/// While it lives, SIGINT, SIGTERM or SIGHUP (unless nohup had it ignored; all blocked in this
/// thread and those it starts from now on) requests a stop. A second one, or three seconds without
/// an end (see set_patience), remove what was half written and leave the program with exit code
/// 130.
class Interrupt {
 public:
  Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;
  ~Interrupt();

  std::stop_token token() const noexcept { return source_.get_token(); }
  /// While idle (waiting for the user to type) the program ends at once.
  void set_idle(bool idle) noexcept { idle_ = idle; }
  /// How long work may take to end, for what has something to save.
  void set_patience(int seconds) noexcept { patience_s_ = seconds; }

 private:
  void watch();

  std::stop_source source_;
  std::atomic<bool> idle_ = false;
  std::atomic<bool> done_ = false;
  std::atomic<int> patience_s_ = 3;
  std::thread watcher_;
};

}  // namespace cajal
