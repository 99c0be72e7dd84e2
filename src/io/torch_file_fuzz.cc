#include <cstdint>

#include "base/error.h"
#include "io/pickle.h"
#include "io/torch_file.h"

namespace {

template <typename Action>
void ignore_errors(const Action& action) {
  try {
    action();
  } catch (const cajal::Error&) {
    return;
  }
}

}  // namespace

/// The bytes as a file of torch, and as the pickle in one.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  ignore_errors([&] { cajal::read_pickle(bytes, "fuzz"); });
  ignore_errors([&] {
    const auto file = cajal::TorchFile::parse(bytes, "fuzz");
    double sum = 0;
    for (const cajal::StoredTensor& tensor : file->tensors()) {
      const cajal::ConstMatRef m = cajal::as_matrix(tensor);
      sum += m.rows * m.cols == 0 ? 0 : cajal::element(m, m.rows - 1, m.cols - 1);
    }
    [[maybe_unused]] const volatile double kept = sum;
  });
  return 0;
}
