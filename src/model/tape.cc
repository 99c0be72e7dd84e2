#include "model/tape.h"

#include <algorithm>

namespace cajal {

void Tape::begin(const Batch& batch, std::size_t final_length) {
  arena_.clear();
  layers_.clear();
  patterns_.clear();
  layout_ = {};
  segments_.clear();
  tokens_.assign(batch.tokens.begin(), batch.tokens.end());
  seen_until_.assign(batch.seen_until.begin(), batch.seen_until.end());
  for (std::size_t i = 0; i + 1 < batch.starts.size(); ++i) {
    const auto rows = static_cast<std::size_t>(batch.starts[i + 1] - batch.starts[i]);
    layout_.add(i, 0, rows, std::max(rows, final_length));
  }
  for (const BatchLayout::Segment& s : layout_.segments) {
    segments_.push_back({.query_row = s.begin, .key_row = s.begin, .queries = s.rows});
    if (!seen_until_.empty()) {
      segments_.back().seen_until = std::span(seen_until_).subspan(s.begin, s.rows);
    }
  }
}

}  // namespace cajal
