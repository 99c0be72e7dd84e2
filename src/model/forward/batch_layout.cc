#include "model/forward/batch_layout.h"

namespace cajal {

void BatchLayout::add(std::size_t sequence, std::size_t before, std::size_t rows,
                      std::size_t rotation_length) {
  if (rows == 0) {
    return;
  }
  segments.push_back(
      {.sequence = sequence, .begin = positions.size(), .rows = rows, .before = before});
  for (std::size_t i = 0; i < rows; ++i) {
    positions.push_back(static_cast<std::int32_t>(before + i));
    sequences.push_back(static_cast<std::int32_t>(sequence));
    lengths.push_back(rotation_length);
  }
}

std::vector<std::int32_t> picked(std::span<const std::int32_t> from,
                                 std::span<const std::int32_t> rows) {
  std::vector<std::int32_t> out;
  for (const std::int32_t r : rows) {
    out.push_back(from[static_cast<std::size_t>(r)]);
  }
  return out;
}

}  // namespace cajal
