// The most anonymous memory of this process over a time: what it asked for itself, mapped files not
// counted. The system keeps no such peak, so a thread looks every few milliseconds.
#pragma once

#include <atomic>
#include <thread>

namespace cajal::bench {

/// Bytes of this process that no file backs (Linux: RssAnon); 0 where the system does not say.
double anonymous_memory();

/// From construction to peak().
class PeakMemory {
 public:
  PeakMemory();
  PeakMemory(const PeakMemory&) = delete;
  PeakMemory& operator=(const PeakMemory&) = delete;
  ~PeakMemory();
  double peak() const noexcept { return peak_; }

 private:
  std::atomic<bool> done_ = false;
  std::atomic<double> peak_ = 0.0;
  std::thread watcher_;
};

}  // namespace cajal::bench
