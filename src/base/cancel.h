// Work that can be interrupted asks between its steps.
#pragma once

#include <stop_token>

#include "base/error.h"

namespace cajal {

/// Throws Cancelled if a stop was requested.
inline void check_cancelled(const std::stop_token& cancel) {
  if (cancel.stop_requested()) {
    fail(ErrorCode::Cancelled, "interrupted");
  }
}

}  // namespace cajal
