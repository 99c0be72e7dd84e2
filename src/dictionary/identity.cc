#include "dictionary/identity.h"

#include <bit>

#include "io/hash.h"

namespace cajal {
namespace {

/// A matrix as a tensor, from its first byte to its last (with what lies between its rows).
StoredTensor tensor_of(const std::string& name, ConstMatRef m) {
  const std::size_t elements = m.rows == 0 ? 0 : (m.rows - 1) * m.stride + m.cols;
  return {.name = name,
          .type = name_of(m.dtype),
          .dtype = m.dtype,
          .shape = {m.rows, m.cols},
          .bytes = {m.data, elements * size_of(m.dtype)},
          .file = name};
}

void add_vector(Hash& hash, std::span<const float> values) {
  hash.add_number(values.size());
  hash.add(std::as_bytes(values));
}

void add_settings(Hash& hash, const DictionaryLayer& layer) {
  hash.add_number(layer.layer);
  hash.add_entry(layer.input_point);
  hash.add_entry(layer.output_point);
  hash.add_number(static_cast<std::uint64_t>(layer.scaling));
  hash.add_number(std::bit_cast<std::uint64_t>(layer.input_scale));
  hash.add_number(layer.undoes_scaling ? 1 : 0);
  const ActivationFunction& f = layer.activation;
  hash.add_number(static_cast<std::uint64_t>(f.kind));
  hash.add_number(std::bit_cast<std::uint64_t>(f.k));
  hash.add_number(f.keeps_negative ? 1 : 0);
  for (const std::vector<float>* values :
       {&layer.b_enc, &layer.b_dec, &layer.pre_bias, &layer.feature_scale, &f.threshold,
        &f.magnitude_scale, &f.magnitude_bias}) {
    add_vector(hash, *values);
  }
}

}  // namespace

std::string dictionary_hash(const Dictionary& dictionary) {
  Hash hash;
  hash.add_number(static_cast<std::uint64_t>(dictionary.kind()));
  std::vector<StoredTensor> tensors;
  for (std::size_t i = 0; i < dictionary.layers().size(); ++i) {
    const DictionaryLayer& layer = dictionary.layers()[i];
    add_settings(hash, layer);
    const std::string prefix = std::to_string(i);
    hash.add_number(layer.w_enc.transposed == Transpose::Yes ? 1 : 0);
    hash.add_number(layer.w_skip.transposed == Transpose::Yes ? 1 : 0);
    tensors.push_back(tensor_of(prefix + ".W_enc", layer.w_enc.matrix));
    tensors.push_back(tensor_of(prefix + ".W_dec", layer.w_dec));
    if (layer.w_skip) {
      tensors.push_back(tensor_of(prefix + ".W_skip", layer.w_skip.matrix));
    }
  }
  add_tensors(hash, tensors);
  return hash.digits();
}

}  // namespace cajal
