#include "base/parallel.h"

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#ifdef _OPENMP
#include <omp.h>
#endif

#include "base/error.h"

namespace cajal {
namespace {

constexpr int kMostThreads = 1024;

#ifndef _OPENMP
std::atomic<int> wanted_threads{
    static_cast<int>(std::max(1U, std::thread::hardware_concurrency()))};
#endif
thread_local bool inside_chunk = false;
#ifndef _OPENMP
thread_local std::size_t worker_index = 0;
#endif

}  // namespace

void set_threads(int count) {
  check(count >= 1 && count <= kMostThreads, "threads must be between 1 and {}, not {}",
        kMostThreads, count);
#ifdef _OPENMP
  omp_set_dynamic(0);
  omp_set_num_threads(count);
#else
  wanted_threads = count;
#endif
}

int threads() noexcept {
#ifdef _OPENMP
  const int wanted = std::min(omp_get_max_threads(), kMostThreads);
#else
  const int wanted = wanted_threads;
#endif
  // Inside parallel_for the number for what is nested may be smaller (OMP_NUM_THREADS=2,1), but
  // scratch memory for all threads must reach the caller's own.
  return std::max(wanted, static_cast<int>(thread_index()) + 1);
}

void detail::run_chunks(std::size_t chunks, const std::function<void(std::size_t)>& chunk) {
  const std::size_t workers =
      inside_chunk ? 1 : std::min(chunks, static_cast<std::size_t>(threads()));
  const auto work = [&](std::size_t worker) {
    const bool outside = !inside_chunk;
    inside_chunk = true;
#ifndef _OPENMP
    worker_index = outside ? worker : worker_index;
#endif
    for (std::size_t i = chunks * worker / workers; i < chunks * (worker + 1) / workers; ++i) {
      chunk(i);
    }
    inside_chunk = !outside;
  };
  std::vector<std::jthread> others;
  for (std::size_t worker = 1; worker < workers; ++worker) {
    others.emplace_back(work, worker);
  }
  work(0);
}

std::size_t thread_index() noexcept {
#ifdef _OPENMP
  return static_cast<std::size_t>(omp_get_thread_num());
#else
  return worker_index;
#endif
}

}  // namespace cajal
