// A text that is being decoded id by id.
#pragma once

#include <cstdint>
#include <string>

#include "text/token.h"

namespace cajal {

/// When text is shown whose bytes are there but which a later token could still change: a run of
/// byte tokens that is not valid as a whole becomes U+FFFD for each byte.
enum class Show : std::uint8_t {
  Soon,    // as soon as a character is complete
  Settled  // only what no later id can change
};

class Decoding {
 public:
  Decoding() = default;
  Decoding(const Decoding&) = delete;
  Decoding& operator=(const Decoding&) = delete;
  virtual ~Decoding() = default;
  /// Appends what can be shown after `id`.
  virtual void push(TokenId id, std::string& out) = 0;
  /// Appends the rest; afterwards nothing may be pushed.
  virtual void finish(std::string& out) = 0;
};

}  // namespace cajal
