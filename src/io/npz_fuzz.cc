#include <cstdint>

#include "base/error.h"
#include "io/npz.h"

namespace {

template <typename Action>
void ignore_errors(const Action& action) {
  try {
    action();
  } catch (const cajal::Error&) {
    return;
  }
}

void touch(const cajal::Npy& array) {
  const cajal::ConstMatRef m = cajal::as_matrix(array.tensor());
  [[maybe_unused]] const volatile double last =
      m.rows * m.cols == 0 ? 0 : cajal::element(m, m.rows - 1, m.cols - 1);
}

}  // namespace

/// The bytes as a .npz and as a .npy file.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  ignore_errors([&] { touch(*cajal::Npy::parse(bytes, "fuzz")); });
  ignore_errors([&] {
    const auto file = cajal::Npz::parse(bytes, "fuzz");
    for (const std::string& name : file->names()) {
      ignore_errors([&] { touch(*file->read(name)); });
    }
  });
  return 0;
}
