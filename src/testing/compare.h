// How far apart two matrices are, for tests that hold a result against what it must be.
#pragma once

#include <vector>

#include "tensor/matrix.h"

namespace cajal::testing {

/// The largest |got - want| of all elements, on the host, of any types. Infinity if a difference is
/// not finite (NaN on either side, infinities even where they are equal), so that a bound never
/// lets one through; 0 without elements. Throws InvalidArgument if the shapes differ.
double largest_error(ConstMatRef got, ConstMatRef want);

/// The elements, row by row.
std::vector<double> elements(ConstMatRef m);

}  // namespace cajal::testing
