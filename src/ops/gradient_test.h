// Gradients against central differences in double, for the tests of this folder.
#pragma once

#include <functional>
#include <string_view>

#include "ops/sample_test.h"

namespace cajal {

/// A scalar with the size of the terms it is a sum of, which bounds its rounding.
struct Scalar {
  double value = 0;
  double terms = 0;
};

/// The sum of weights[i] * m[i]: makes a scalar of an op's output; `weights` is then its `dy`.
Scalar dot(ConstMatRef weights, ConstMatRef m);

/// d loss / d x[r, c] by differences of fourth order must be gradient[r, c], for up to 50 elements
/// spread over `x` (F64). The tolerance is what two step sizes differ by, and rounding.
void expect_gradient(MatRef x, const std::function<Scalar()>& loss, ConstMatRef gradient,
                     std::string_view what);

}  // namespace cajal
