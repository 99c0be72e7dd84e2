#include "cli/interrupt.h"

#include <csignal>
#include <ctime>
#include <pthread.h>
#include <unistd.h>

#include "base/file.h"

namespace cajal {
namespace {

bool is_ignored(int signal) {
  struct sigaction action{};
  return ::sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

sigset_t signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  if (!is_ignored(SIGHUP)) {  // sigwait() would take it all the same
    sigaddset(&set, SIGHUP);
  }
  return set;
}

[[noreturn]] void leave() {
  remove_temporary_files();
  ::_exit(kInterrupted);
}

}  // namespace

Interrupt::Interrupt() {
  const sigset_t set = signals();
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  watcher_ = std::thread([this] { watch(); });
}

Interrupt::~Interrupt() {
  done_ = true;
  ::pthread_kill(watcher_.native_handle(), SIGINT);  // wakes it
  watcher_.join();
}

void Interrupt::watch() {
  const sigset_t set = signals();
  int signal = 0;
  sigwait(&set, &signal);
  if (done_) {
    return;
  }
  if (idle_) {
    leave();
  }
  source_.request_stop();
  const timespec patience = {.tv_sec = patience_s_, .tv_nsec = 0};
  ::sigtimedwait(&set, nullptr, &patience);
  if (!done_) {
    leave();
  }
}

}  // namespace cajal
