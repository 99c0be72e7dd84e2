// A batch laid out in rows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace cajal {

/// Rows of the batch and the sequences they belong to.
struct BatchLayout {
  struct Segment {
    std::size_t sequence = 0;  // index in the cache
    std::size_t begin = 0;     // first row
    std::size_t rows = 0;
    std::size_t before = 0;  // tokens of the sequence before these
  };
  /// Appends rows for the tokens before .. before + rows of a sequence. `rotation_length`: what the
  /// rotation is chosen by (see rope_changes).
  void add(std::size_t sequence, std::size_t before, std::size_t rows, std::size_t rotation_length);

  std::vector<Segment> segments;        // those with rows
  std::vector<std::int32_t> positions;  // [rows]
  std::vector<std::int32_t> sequences;  // [rows]
  std::vector<std::size_t> lengths;     // [rows] what the rotation is chosen by
};

/// from[r] for each of the rows.
std::vector<std::int32_t> picked(std::span<const std::int32_t> from,
                                 std::span<const std::int32_t> rows);

}  // namespace cajal
