// What some points of a model hold on one prompt.
#pragma once

#include <map>
#include <span>

#include "model/model.h"

namespace cajal {

struct PromptValues {
  std::map<Point, Matrix> at;  // all rows, in host memory
  Matrix logits;               // [tokens, vocab]
};

/// Runs the model once. Throws as Model::forward does.
PromptValues read_prompt(Backend& backend, const Model& model, std::span<const TokenId> tokens,
                         std::span<const Point> points, Precision precision);

/// to += factor * from, of one shape; F32 or F64.
void add_scaled_rows(ConstMatRef from, double factor, MatRef to);

}  // namespace cajal
