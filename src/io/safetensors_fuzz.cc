#include <cstdint>

#include "base/error.h"
#include "io/safetensors.h"

namespace {

void read_all(std::span<const std::byte> bytes) {
  const auto file = cajal::Safetensors::parse(bytes, "fuzz");
  double sum = 0;
  for (const cajal::StoredTensor& tensor : file->tensors()) {
    file->at(tensor.name);
    if (tensor.dtype) {
      const cajal::ConstMatRef m = cajal::as_matrix(tensor);
      sum += m.rows * m.cols == 0 ? 0 : cajal::element(m, m.rows - 1, m.cols - 1);
    }
  }
  [[maybe_unused]] const volatile double kept = sum;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    read_all(std::as_bytes(std::span(data, size)));
  } catch (const cajal::Error&) {
    return 0;
  }
  return 0;
}
