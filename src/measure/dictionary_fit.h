// Whether a dictionary belongs to the model it was loaded with: a wrong point, normalisation or
// model shows as a reconstruction that explains nothing.
//
// FVU is the fraction of variance unexplained, sum |y - r|^2 / sum |y - mean y|^2 over the tokens
// given, as in measure/dictionary_metrics.h.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dictionary/sites.h"
#include "model/model.h"

namespace cajal {

/// What one layer of a dictionary makes of a model's activations.
struct LayerFit {
  DictionarySite site;
  double fvu = 0.0;
  double l0 = 0.0;  // features that fire on a token, in the mean
  // The other input of the same layer with the lowest FVU, of those that are as wide.
  std::optional<Point> other;
  double other_fvu = 0.0;
};

/// One forward pass for the points that the dictionary names, and one for each other kind of input
/// point that is as wide (all layers are moved to it together; an SAE's output too). The first
/// token of each sequence is left out. Throws InvalidArgument for fewer than two tokens that count,
/// and what sites_of, forward and encode throw.
std::vector<LayerFit> measure_fit(Backend& backend, const Model& model,
                                  const Dictionary& dictionary, const Batch& batch,
                                  Precision precision);

/// Nothing that judge_fit() warns of or refuses.
bool fits_well(const std::vector<LayerFit>& fits);

/// Sentences for the user about layers with an FVU above 0.8; `text` says on what they were
/// measured. Throws InvalidArgument if another point of a layer has an FVU below 0.5 and under half
/// of that of the point it names: the dictionary was made for that one.
std::vector<std::string> judge_fit(const Dictionary& dictionary, const std::vector<LayerFit>& fits,
                                   std::string_view text = "this model's own text");

}  // namespace cajal
