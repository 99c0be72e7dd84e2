// Stands for ops/cuda in a build without it.
#include "ops/backend.h"

namespace cajal {

std::unique_ptr<Backend> make_cuda_backend(int /*device_index*/) {
  return nullptr;
}

}  // namespace cajal
