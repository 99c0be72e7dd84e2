#include "model/load/gguf_model.h"

#include "base/error.h"

namespace cajal {

std::shared_ptr<const Model> load_gguf(const std::filesystem::path& path) {
  fail(ErrorCode::Unsupported, "{}: GGUF models cannot be loaded yet", path.string());
}

}  // namespace cajal
