#include "measure/mlp_neurons.h"

#include <cmath>

namespace cajal {

bool has_neurons(const DictionarySite& site, const ModelConfig& config) {
  const PointKind kind = site.output.kind;
  return config.mixture.experts == 0 &&
         (kind == PointKind::MlpOut || kind == PointKind::MlpOutPost);
}

DictionarySite neurons_of(const DictionarySite& site) {
  const Point neurons{PointKind::MlpAct, site.output.layer};
  return {neurons, neurons};
}

std::vector<double> neuron_norms(const Model& model, std::size_t layer) {
  const Projection& down = model.weights().layers[layer].mlp.down;
  Matrix w = Matrix::host(down.weight.rows, down.weight.cols, DType::F64);
  convert(down.weight, w.ref());
  const auto x = std::as_const(w).as<double>();
  std::vector<double> out(down.input_major ? x.rows : x.cols);
  for (std::size_t r = 0; r < x.rows; ++r) {
    for (std::size_t c = 0; c < x.cols; ++c) {
      out[down.input_major ? r : c] += x.at(r, c) * x.at(r, c);
    }
  }
  for (double& norm : out) {
    norm = std::sqrt(norm);
  }
  return out;
}

NeuronRecorder::NeuronRecorder(Backend& backend, std::span<const Basis> bases,
                               std::span<const Matrix* const> targets)
    : backend_(backend),
      bases_(bases),
      targets_(targets.begin(), targets.end()),
      written_(targets.size()),
      kept_(targets.size()) {}

void NeuronRecorder::replace(std::size_t site, ConstMatRef, MatRef output) {
  const std::size_t i = site / 2;
  if (site % 2 == 0) {
    kept_[i] = keep_largest(backend_, bases_[i], output);
    return;
  }
  written_[i] = Matrix::host(output.rows, output.cols, output.dtype);
  convert(output, written_[i].ref());
  convert(targets_[i]->ref(), output);
}

}  // namespace cajal
