#include "io/safetensors.h"
#include "model/load/tensor_source.h"

namespace cajal {
namespace {

class SafetensorsSource final : public TensorSource {
 public:
  explicit SafetensorsSource(std::shared_ptr<const Safetensors> file) : file_(std::move(file)) {}

  std::optional<SourceTensor> find(std::string_view name) override {
    const StoredTensor* tensor = file_->find(name);
    if (tensor == nullptr) {
      return std::nullopt;
    }
    return SourceTensor{as_matrix(*tensor), tensor->shape};
  }
  std::string where() const override { return file_->name(); }
  void keep_alive(Weights& weights) override { weights.files.push_back(file_); }

 private:
  std::shared_ptr<const Safetensors> file_;
};

}  // namespace

std::unique_ptr<TensorSource> open_safetensors_source(const std::filesystem::path& folder) {
  return std::make_unique<SafetensorsSource>(Safetensors::open(folder));
}

}  // namespace cajal
