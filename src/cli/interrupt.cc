#include "cli/interrupt.h"

#include <csignal>
#include <ctime>
#include <pthread.h>
#include <unistd.h>

namespace cajal {
namespace {

constexpr timespec kPatience = {.tv_sec = 3, .tv_nsec = 0};

sigset_t only_interrupt() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  return set;
}

}  // namespace

Interrupt::Interrupt() {
  const sigset_t set = only_interrupt();
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  watcher_ = std::thread([this] { watch(); });
}

Interrupt::~Interrupt() {
  done_ = true;
  ::pthread_kill(watcher_.native_handle(), SIGINT);  // wakes it
  watcher_.join();
}

void Interrupt::watch() {
  const sigset_t set = only_interrupt();
  int signal = 0;
  sigwait(&set, &signal);
  if (done_) {
    return;
  }
  if (idle_) {
    ::_exit(kInterrupted);
  }
  source_.request_stop();
  ::sigtimedwait(&set, nullptr, &kPatience);
  if (!done_) {
    ::_exit(kInterrupted);
  }
}

}  // namespace cajal
