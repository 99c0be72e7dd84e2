// The only place that starts threads for arithmetic.
//
// oneDNN (as Debian builds it) runs on OpenMP, so everything else does too: two thread pools on
// two cores cost more than they give. Chunks depend on `count` and `grain` alone, never on the
// number of threads, so results are the same for every thread count.
//
// Sanitizer builds have no OpenMP (clang's does not mix with the one that oneDNN loads, and
// ThreadSanitizer does not see its barriers): there each call starts std::threads.
#pragma once

#include <cstddef>
#include <functional>

namespace cajal {

/// Threads that parallel_for and oneDNN use from now on; 1 to 1024, else InvalidArgument. Call it
/// before the first computation, from the thread that will compute.
void set_threads(int count);
int threads() noexcept;
/// Which of them runs the caller inside parallel_for, 0 .. threads() - 1: to choose scratch memory,
/// never to choose work. 0 outside.
std::size_t thread_index() noexcept;

namespace detail {

/// Calls chunk(i) for every i below `chunks`, on up to threads() threads; in the calling thread
/// alone when that is itself one of them.
void run_chunks(std::size_t chunks, const std::function<void(std::size_t)>& chunk);

}  // namespace detail

/// Calls body(begin, end) for disjoint ranges that cover [0, count). `body` must not throw.
template <typename Body>
void parallel_for(std::size_t count, std::size_t grain, const Body& body) {
  const std::size_t chunks = (count + grain - 1) / grain;
  if (chunks <= 1) {
    if (count != 0) {
      body(std::size_t{0}, count);
    }
    return;
  }
  const auto chunk = [&](std::size_t i) {
    const std::size_t begin = i * grain;
    body(begin, begin + grain < count ? begin + grain : count);
  };
#ifdef _OPENMP
#pragma omp parallel for schedule(static)
  for (std::size_t i = 0; i < chunks; ++i) {
    chunk(i);
  }
#else
  detail::run_chunks(chunks, chunk);
#endif
}

}  // namespace cajal
