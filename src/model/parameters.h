// The numbers of a model that training changes, by the names they have in Hugging Face files.
//
// A Parameters object is one block of memory, so that an optimiser, a sum over shards or a file can
// go through it as a whole: masters, their bf16 copies for computing, gradients and moments are all
// Parameters of the same specs. Models and gradients are views of such blocks, made by the same
// code that binds a file's tensors, so packed and transposed layouts need no second description.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/model.h"

namespace cajal {

enum class FreshValue : std::uint8_t {
  Normal,    // of deviation 0.02
  Residual,  // the same divided by sqrt(2 * layers): what adds to the residual (GPT-2's paper)
  One,
  Zero,
};

struct ParameterSpec {
  std::string name;                // "model.layers.0.mlp.up_proj.weight"
  std::vector<std::size_t> shape;  // as stored: GPT-2's projections are [in, out]
  bool decays = false;             // under weight decay: two axes or more, and no embedding
  FreshValue fresh = FreshValue::Normal;
};

/// A value for every parameter, 0 at first. All elements lie in one block; between parameters there
/// may be padding, which stays 0. Move-only.
class Parameters {
 public:
  Parameters(std::vector<ParameterSpec> specs, DType dtype);

  const std::vector<ParameterSpec>& specs() const noexcept { return specs_; }
  /// Parameter i, [product of all axes but the last, last]; one axis: [1, n].
  MatRef at(std::size_t i) { return view(all(), i); }
  ConstMatRef at(std::size_t i) const { return view(all(), i); }
  /// The index of a parameter; nullopt if there is none of this name.
  std::optional<std::size_t> find(std::string_view name) const;
  /// [1, everything], padding included: the same layout for any two objects of equal specs,
  /// whatever their types.
  MatRef all() { return block_.ref(); }
  ConstMatRef all() const { return block_.ref(); }
  DType dtype() const noexcept { return block_.dtype(); }
  /// Without padding.
  std::size_t elements() const noexcept { return elements_; }

 private:
  struct Place {
    std::size_t begin = 0;  // in elements
    std::size_t rows = 0;
    std::size_t cols = 0;
  };
  template <typename Block>
  Block view(Block all, std::size_t i) const {
    const Place& place = places_[i];
    Block part = all.col_range(place.begin, place.rows * place.cols);
    return {part.data, place.rows, place.cols, place.cols, part.dtype, part.device};
  }

  std::vector<ParameterSpec> specs_;
  std::vector<Place> places_;
  std::size_t elements_ = 0;
  Matrix block_;
};

/// What a model grown from nothing has, in the order of the file. Families llama, gpt2, qwen3,
/// gemma2 and their like; throws Unsupported for those that it does not know how to begin.
std::vector<ParameterSpec> fresh_parameters(const ModelConfig& config);

/// Sets every parameter to its fresh value: element e of parameter i is draw (seed, stream i,
/// counter e), so the same numbers on any machine and for any type.
void initialize(Parameters& parameters, const ModelConfig& config, std::uint64_t seed);

/// The parameters of a Hugging Face folder, converted to `dtype`: those that its model uses, in
/// the order of use, a tied head once. Throws as Model::load does.
Parameters load_parameters(const std::filesystem::path& folder, DType dtype);

/// A model whose weights are views of `values`, which it keeps alive. The owner may change the
/// values between passes. `matrices`: a copy in another type (bf16) that takes the place of all
/// parameters with two axes; nullptr: none. Throws CorruptData or NotFound if a parameter is
/// missing or has another shape than the configuration asks for.
std::shared_ptr<const Model> model_of(const ModelConfig& config,
                                      std::shared_ptr<const Parameters> values,
                                      std::shared_ptr<const Parameters> matrices = nullptr,
                                      std::string name = "the model being trained");

/// Where a backward pass adds the gradients of a model's weights: the same views as the model has,
/// over a block of gradients. Unsupported for weights that were copied when they were bound
/// (StableLM's norms of heads).
class Gradients {
 public:
  /// `values` must outlive the object; its specs are those of the model's parameters.
  Gradients(const ModelConfig& config, Parameters& values);
  /// The gradient's place for each weight.
  const Weights& weights() const noexcept { return weights_; }
  /// A place of weights(), to write to.
  MatRef at(ConstMatRef place) const;
  const Parameters& values() const noexcept { return *values_; }

 private:
  Parameters* values_;
  Weights weights_;
};

}  // namespace cajal
