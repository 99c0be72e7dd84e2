#include "train/adamw.h"

#include <algorithm>
#include <cmath>

namespace cajal {

double gradient_norm(Backend& backend, const Parameters& gradient) {
  return std::sqrt(ops::sum_of_squares(backend, gradient.all()));
}

void adamw_step(Backend& backend, const AdamWState& state, const Parameters& gradient, double norm,
                double learning_rate, std::size_t t, const AdamWOptions& options) {
  const auto n = static_cast<double>(t);
  const double clip = options.clip == 0.0 ? 1.0 : std::min(1.0, options.clip / (norm + 1e-6));
  for (std::size_t i = 0; i < state.values->specs().size(); ++i) {
    ops::adamw_step(backend, {.p = state.values->at(i),
                              .m = state.first->at(i),
                              .v = state.second->at(i),
                              .g = gradient.at(i),
                              .rounded = state.rounded == nullptr ? MatRef{} : state.rounded->at(i),
                              .clip = clip,
                              .lr = learning_rate,
                              .decay = state.values->specs()[i].decays ? options.decay : 0.0,
                              .beta1 = options.beta1,
                              .beta2 = options.beta2,
                              .epsilon = options.epsilon,
                              .correction1 = 1.0 - std::pow(options.beta1, n),
                              .correction2 = 1.0 - std::pow(options.beta2, n)});
  }
}

}  // namespace cajal
