// Whether work that keeps checkpoints begins or goes on: what --resume and --over ask for.
#pragma once

#include "train/grow.h"

namespace cajal {

/// Of a request with both flags.
template <typename Request>
Beginning beginning_of(const Request& request) {
  if (request.resume) {
    return Beginning::Resumed;
  }
  return request.over ? Beginning::Over : Beginning::New;
}

}  // namespace cajal
