#include "peak_memory.h"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <string>

namespace cajal::bench {

double anonymous_memory() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("RssAnon:")) {
      return 1024.0 * std::stod(line.substr(line.find(':') + 1));
    }
  }
  return 0.0;
}

PeakMemory::PeakMemory()
    : watcher_([this] {
        while (!done_) {
          peak_ = std::max(peak_.load(), anonymous_memory());
          std::this_thread::sleep_for(std::chrono::milliseconds(5));
        }
      }) {}

PeakMemory::~PeakMemory() {
  done_ = true;
  watcher_.join();
}

}  // namespace cajal::bench
