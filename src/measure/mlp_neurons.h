// The MLP's own neurons as a dictionary: of each token the k that write most, the others at their
// mean.
#pragma once

#include <vector>

#include "measure/splice.h"
#include "measure/top_of_basis.h"

namespace cajal {

/// Whether a site gives what an MLP without experts writes, so that its neurons can stand for it.
bool has_neurons(const DictionarySite& site, const ModelConfig& config);
/// Where they are.
DictionarySite neurons_of(const DictionarySite& site);

/// [d_mlp] the length of what each neuron of a layer writes, times 1.
std::vector<double> neuron_norms(const Model& model, std::size_t layer);

/// For sites mlp_act.0, output 0, mlp_act.1, output 1, ...: keeps what each output becomes where
/// only the neurons before it are cut, and goes on with what the model computes by itself.
class NeuronRecorder : public Replacement {
 public:
  /// `targets`: by output, [rows, d_out], what the model computes. All must outlive it.
  NeuronRecorder(Backend& backend, std::span<const Basis> bases,
                 std::span<const Matrix* const> targets);
  void replace(std::size_t site, ConstMatRef input, MatRef output) override;
  const Matrix& written(std::size_t i) const { return written_[i]; }  // [rows, d_out]
  const SparseRows& kept(std::size_t i) const { return kept_[i]; }    // [rows, d_mlp]

 private:
  Backend& backend_;
  std::span<const Basis> bases_;
  std::vector<const Matrix*> targets_;
  std::vector<Matrix> written_;
  std::vector<SparseRows> kept_;
};

}  // namespace cajal
