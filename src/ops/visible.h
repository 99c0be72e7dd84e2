// Which keys a query sees. Private to this folder.
#pragma once

#include <cstddef>

#include "ops/attention.h"

namespace cajal {

struct KeyRange {
  std::size_t begin = 0;
  std::size_t end = 0;
};

inline KeyRange visible_keys(const AttentionShape& shape, std::size_t query) noexcept {
  const std::size_t end = shape.first + query + 1;
  return {shape.window == 0 || shape.window >= end ? 0 : end - shape.window, end};
}

}  // namespace cajal
