// What fires in a dictionary, on activations from a file or inside a model.
#pragma once

#include <filesystem>
#include <stop_token>
#include <string>
#include <vector>

#include "service/open_dictionary.h"
#include "service/options.h"
#include "tensor/sparse_rows.h"

namespace cajal {

/// Activations come from `in` or from the model at the dictionary's own points.
struct EncodeRequest : ModelOptions, InputOptions {
  std::string dictionary;            // a path; empty: the specimen's
  std::string in;                    // a file of tensors
  std::string tensor;                // in it; empty: its only one
  std::string target;                // in it: what should come out; empty: an SAE's own input
  std::optional<std::size_t> layer;  // of the model; absent: all that the dictionary has
  std::optional<std::size_t> k;      // for layouts that do not say
  bool trust = false;                // do not check that the dictionary fits the model
};

const FieldTable<EncodeRequest>& encode_fields();

struct EncodedLayer {
  std::size_t layer = 0;
  std::size_t features = 0;
  SparseRows fired;       // [tokens, features]
  Matrix reconstruction;  // [tokens, d_out]; empty where one layer of a CLT was asked for
  double l0 = 0.0;        // features a token, in the mean
  std::optional<double> fvu;
};

struct EncodeResult {
  std::size_t tokens = 0;
  double l0 = 0.0;            // a token and layer, in the mean
  std::optional<double> fvu;  // of all layers together
  std::vector<EncodedLayer> layers;
  Provenance provenance;
  std::vector<std::string> notes;
};

/// Throws InvalidArgument unless there is exactly one source of activations, and for shapes that do
/// not fit; and what opening dictionary, file and model throws.
EncodeResult run_encode(const EncodeRequest& request, const std::stop_token& cancel = {});

/// Throws InvalidArgument unless the request names one source of activations.
void check_encode(const EncodeRequest& request);

/// A safetensors file with `features` [tokens, features] and `reconstruction` [tokens, d_out],
/// dense; with an axis for layers before them if there are several, which must then be as wide.
void save_encoded(const EncodeResult& result, const std::filesystem::path& file);

/// {"tokens", "l0", "fvu", "layers": [{"layer", "features", "fired", "l0", "fvu"}]}; "fired": how
/// many features fired at all; fvu is null where nothing says what should have come out,
/// and of a single token.
Json to_json(const EncodeResult& result);

}  // namespace cajal
