// The "decoder" of a tokenizer.json: pieces back to text, as a chain of stages that text flows
// through, so that a whole text and one that arrives token by token are decoded by the same code.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "io/json.h"
#include "text/decoding.h"
#include "text/growth.h"

namespace cajal {

/// One stage of a running chain. A token comes as chunks of whole characters and an end.
class DecodeStage {
 public:
  DecodeStage() = default;
  DecodeStage(const DecodeStage&) = delete;
  DecodeStage& operator=(const DecodeStage&) = delete;
  virtual ~DecodeStage() = default;
  virtual void chunk(std::string_view text) = 0;
  virtual void end_token() = 0;
  virtual void finish() = 0;  // no token is under way
};

/// What the stages of a running chain share.
struct DecodeRun {
  Show show;
  Growth& growth;
};

class Decoder {
 public:
  Decoder() = default;
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;
  virtual ~Decoder() = default;

  /// A stage that passes what it makes on to `next`. The decoder and what `run` refers to must
  /// outlive it.
  virtual std::unique_ptr<DecodeStage> start(std::unique_ptr<DecodeStage> next,
                                             const DecodeRun& run) const = 0;
  /// What a token that stands in the middle of a text becomes; may be no valid UTF-8.
  /// Throws ResourceExhausted if it is more than `growth` allows.
  virtual std::string bytes_of(std::string piece, Growth& growth) const = 0;
};

/// For a JSON null, one that puts spaces between tokens. Throws Unsupported naming a type that is
/// not known, CorruptData for a wrong field.
std::unique_ptr<const Decoder> make_decoder(const Json& json, std::string_view where);

/// A running chain that ends in a string.
class DecodeChain {
 public:
  /// The decoder must outlive it.
  DecodeChain(const Decoder& decoder, Show show);
  /// Throws ResourceExhausted if the text becomes far longer than the pieces.
  void push(std::string_view piece, std::string& out);
  void finish(std::string& out);

 private:
  void take(std::string& out);

  Growth growth_;          // its input are the pieces so far
  std::size_t shown_ = 0;  // bytes given away
  std::string buffer_;     // what the last stage writes to
  std::unique_ptr<DecodeStage> first_;
};

}  // namespace cajal
