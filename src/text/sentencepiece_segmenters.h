// How a SentencePiece model cuts normalised text into its pieces: by merging, or by the best path.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "text/aligned_text.h"
#include "text/sentencepiece_model.h"
#include "text/token.h"

namespace cajal {

/// A segment of the normalised text; `id` is negative for a character that no piece covers.
struct Segment {
  TokenId id = 0;
  ByteRange range;
};

class Segmenter {
 public:
  Segmenter() = default;
  Segmenter(const Segmenter&) = delete;
  Segmenter& operator=(const Segmenter&) = delete;
  virtual ~Segmenter() = default;
  virtual void segment(std::string_view text, ByteRange range, std::vector<Segment>& out) const = 0;
};

/// By the algorithm that the model names; it does not refer to the model afterwards.
std::unique_ptr<const Segmenter> make_segmenter(const SentencePieceModel& model);

}  // namespace cajal
