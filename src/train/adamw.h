// AdamW over all parameters of a model, with the gradient clipped by its norm.
#pragma once

#include "model/parameters.h"
#include "ops/backend.h"

namespace cajal {

struct AdamWOptions {
  double beta1 = 0.9;
  double beta2 = 0.95;
  double epsilon = 1e-8;
  double decay = 0.1;  // of the parameters whose spec says that they decay
  double clip = 1.0;   // largest norm of a gradient; 0: not clipped
};

/// What is changed by a step: parameters and moments of equal specs and of the backend's
/// activation type. `rounded` is a BF16 copy of the parameters; nullptr: there is none.
struct AdamWState {
  Parameters* values = nullptr;
  Parameters* first = nullptr;
  Parameters* second = nullptr;
  Parameters* rounded = nullptr;
};

/// The square root of the sum of squares over all parameters. NaN or infinite if an element is.
double gradient_norm(Backend& backend, const Parameters& gradient);

/// Step `t`, counted from 1. `norm` is the gradient's. The formula is that of ops/optimiser.h with
/// g' = g * min(1, clip / (norm + 1e-6)).
void adamw_step(Backend& backend, const AdamWState& state, const Parameters& gradient, double norm,
                double learning_rate, std::size_t t, const AdamWOptions& options);

}  // namespace cajal
