#include "model/load/gguf_model.h"

#include <cstring>

#include "io/gguf.h"
#include "model/load/bind.h"
#include "model/load/gguf_config.h"

namespace cajal {
namespace {

/// Rows of q or k as the rotation of halves wants them. GGUF's llama stores, for each head, row i
/// of the first half before row i of the second (pairs are neighbours); a row moves as it is.
Matrix unpermuted(ConstMatRef stored, std::size_t heads) {
  Matrix out = Matrix::host(stored.rows, stored.cols, stored.dtype);
  const std::size_t bytes = stored.cols * size_of(stored.dtype);
  const std::size_t d_head = stored.rows / heads;
  for (std::size_t r = 0; r < stored.rows; ++r) {
    const std::size_t head = r / d_head;
    const std::size_t i = r % d_head;
    const std::size_t half = i / (d_head / 2);
    const std::size_t from = head * d_head + 2 * (i % (d_head / 2)) + half;
    std::memcpy(out.ref().row_range(r, 1).data, stored.row_range(from, 1).data, bytes);
  }
  return out;
}

class GgufSource final : public TensorSource {
 public:
  GgufSource(std::shared_ptr<const Gguf> file, const GgufModel& model)
      : file_(std::move(file)), model_(model) {}

  std::optional<SourceTensor> find(std::string_view name) override {
    const StoredTensor* tensor = file_->find(name);
    if (tensor == nullptr) {
      return std::nullopt;
    }
    if (const auto it = decoded_.find(tensor->name); it != decoded_.end()) {
      return SourceTensor{it->second, tensor->shape};
    }
    const bool plain = tensor->dtype.has_value() && is_float(*tensor->dtype);
    ConstMatRef matrix = plain ? as_matrix(*tensor) : own(*tensor, decode(*tensor));
    const std::size_t heads = permuted_heads(name);
    if (heads != 0) {
      matrix = own(*tensor, unpermute(matrix, heads));
    }
    if (!plain || heads != 0) {
      give_back_pages(tensor->bytes);  // the file's bytes are not needed again
    }
    return SourceTensor{matrix, tensor->shape};
  }
  std::string where() const override { return file_->name(); }
  void keep_alive(Weights& weights) override {
    weights.files.push_back(file_);
    for (Matrix& m : owned_) {
      weights.owned.push_back(std::move(m));
    }
    owned_.clear();
  }

 private:
  /// Replaces what was owned for the same tensor: q and k are decoded, then put in order.
  ConstMatRef own(const StoredTensor& tensor, Matrix matrix) {
    const auto it = decoded_.find(tensor.name);
    if (it != decoded_.end()) {
      for (Matrix& old : owned_) {
        if (std::as_const(old).ref().data == it->second.data) {
          old = std::move(matrix);
          return it->second = std::as_const(old).ref();
        }
      }
    }
    owned_.push_back(std::move(matrix));
    const ConstMatRef view = std::as_const(owned_.back()).ref();
    decoded_[tensor.name] = view;
    return view;
  }
  /// A bias is one row of outputs: as a column it moves like a weight.
  static Matrix unpermute(ConstMatRef m, std::size_t heads) {
    if (m.rows == 1) {
      Matrix column = unpermuted({m.data, m.cols, 1, 1, m.dtype, m.device}, heads);
      Matrix row = Matrix::host(1, m.cols, m.dtype);
      std::memcpy(row.ref().data, column.ref().data, m.cols * size_of(m.dtype));
      return row;
    }
    return unpermuted(m, heads);
  }
  /// 0 unless the tensor's rows are permuted, and fit the heads.
  std::size_t permuted_heads(std::string_view name) const {
    if (!model_.permuted_qk) {
      return 0;
    }
    const ModelConfig& c = model_.config;
    const bool q = name.ends_with(".attn_q.weight") || name.ends_with(".attn_q.bias");
    const bool k = name.ends_with(".attn_k.weight") || name.ends_with(".attn_k.bias");
    const std::size_t heads = q ? c.heads : k ? c.kv_heads : 0;
    const StoredTensor& tensor = file_->at(name);
    const bool fits = heads != 0 && !tensor.shape.empty() && c.d_head % 2 == 0 &&
                      tensor.shape[0] == heads * c.d_head;
    return fits ? heads : 0;
  }

  std::shared_ptr<const Gguf> file_;
  const GgufModel& model_;
  std::unordered_map<std::string, ConstMatRef> decoded_;
  std::vector<Matrix> owned_;
};

}  // namespace

std::shared_ptr<const Model> load_gguf(const std::filesystem::path& path) {
  auto file = Gguf::open(path);
  GgufModel model = read_gguf_model(*file);
  ModelConfig config = model.config;
  GgufSource source(std::move(file), model);
  Weights weights = bind_weights(config, model.names, source);
  return std::make_shared<const Model>(std::move(config), std::move(weights), path.string());
}

}  // namespace cajal
