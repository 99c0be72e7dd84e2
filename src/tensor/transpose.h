// The other way round.
#pragma once

#include "tensor/matrix.h"

namespace cajal {

/// A copy in the same type: [cols, rows]. Host memory only.
Matrix transposed(ConstMatRef from);

}  // namespace cajal
