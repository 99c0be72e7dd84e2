// Decoding while ids arrive: what to show after each one, so that the pieces add up to the text.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "text/tokenizer.h"

namespace cajal {

/// One text under way; not for use by two threads at once.
class StreamDecoder {
 public:
  enum class Show : std::uint8_t {
    Soon,    // a character as soon as its bytes are complete
    Settled  // only what no later id can change
  };

  explicit StreamDecoder(std::shared_ptr<const Tokenizer> tokenizer,
                         SkipSpecial skip = SkipSpecial::Yes, Show show = Show::Soon);

  /// What to show after `id`: empty while a character is incomplete.
  std::string push(TokenId id);
  /// What is left at the end; afterwards a new text may be started.
  std::string finish();

 private:
  std::shared_ptr<const Tokenizer> tokenizer_;
  SkipSpecial skip_;
  Show show_;
  std::vector<TokenId> ids_;
  std::string shown_;
};

}  // namespace cajal
