#include "base/parallel.h"

#ifdef _OPENMP
#include <omp.h>
#endif

#include "base/error.h"

namespace cajal {

void set_threads([[maybe_unused]] int count) {
  check(count >= 1 && count <= 1024, "threads must be between 1 and 1024, not {}", count);
#ifdef _OPENMP
  omp_set_dynamic(0);
  omp_set_num_threads(count);
#endif
}

int threads() noexcept {
#ifdef _OPENMP
  return omp_get_max_threads();
#else
  return 1;
#endif
}

}  // namespace cajal
