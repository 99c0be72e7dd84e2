// Decoding while ids arrive: what to show after each one, so that the pieces add up to the text.
#pragma once

#include <memory>
#include <string>

#include "text/tokenizer.h"

namespace cajal {

/// One text under way; not for use by two threads at once.
class StreamDecoder {
 public:
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
  std::unique_ptr<Decoding> decoding_;
};

}  // namespace cajal
