// Text to token ids and back, with the same result as the tokenizer a model was trained with.
//
// Three kinds of files give a tokenizer: tokenizer.json (Hugging Face), a SentencePiece .model, and
// the vocabulary inside a GGUF file. Which one it was does not show afterwards. A tokenizer never
// changes once loaded; every member may be called from any number of threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/decoding.h"
#include "text/token.h"

namespace cajal {

/// Bytes [begin, end) of the text that was given to encode().
struct TokenSpan {
  std::size_t begin = 0;
  std::size_t end = 0;
  friend bool operator==(const TokenSpan&, const TokenSpan&) = default;
};

/// One entry per token in each of the three.
struct Encoding {
  std::vector<TokenId> ids;
  std::vector<std::string> pieces;  // as in the vocabulary; for an added token the text it took
  std::vector<TokenSpan> offsets;   // empty spans for what the post-processor added
};

struct EncodeOptions {
  bool add_special_tokens = true;  // what the post-processor adds, such as a BOS token
  bool special_as_text = false;    // "</s>" in the text is text: added special tokens do not match
};

enum class SkipSpecial : std::uint8_t { No, Yes };

/// A token that is matched in the text before anything else happens to it.
struct AddedToken {
  TokenId id = 0;
  std::string content;
  bool special = false;      // a control token; left out by decode() with SkipSpecial::Yes
  bool single_word = false;  // only where no word character touches it
  bool lstrip = false;       // takes the white space before it along
  bool rstrip = false;       // and after it
  bool normalized = false;   // matched after normalisation, not in the text as it was given
};

class Tokenizer {
 public:
  /// A folder that holds tokenizer.json or tokenizer.model; or a file: tokenizer.json, a
  /// SentencePiece .model, a .gguf. Throws NotFound, CorruptData (naming file and field), or
  /// Unsupported (naming the component that is not known).
  static std::shared_ptr<const Tokenizer> load(const std::filesystem::path& folder_or_file);

  Tokenizer(const Tokenizer&) = delete;
  Tokenizer& operator=(const Tokenizer&) = delete;
  virtual ~Tokenizer() = default;

  /// Ids with the pieces and where they came from. Broken UTF-8 is read as U+FFFD. Throws
  /// ResourceExhausted if a regular expression of the tokenizer needs too many steps on `text`.
  virtual Encoding encode(std::string_view text, const EncodeOptions& options = {}) const = 0;
  /// The ids of encode(), several times faster.
  virtual std::vector<TokenId> encode_ids(std::string_view text,
                                          const EncodeOptions& options = {}) const = 0;
  /// Ids that are not in the vocabulary decode to nothing. The result is valid UTF-8.
  std::string decode(std::span<const TokenId> ids, SkipSpecial skip = SkipSpecial::Yes) const;
  /// For text that comes id by id; text/stream_decoder.h is the way to use it.
  virtual std::unique_ptr<Decoding> start_decoding(SkipSpecial skip, Show show) const = 0;
  /// The bytes one token adds in the middle of a text: not valid UTF-8 if it is a part of a
  /// character. Empty for ids that are not in the vocabulary.
  virtual std::string bytes_of(TokenId id) const = 0;

  /// One more than the largest id, added tokens included.
  virtual std::size_t vocab_size() const = 0;
  virtual bool has(TokenId id) const = 0;
  virtual std::optional<TokenId> id_of(std::string_view piece) const = 0;
  /// As the vocabulary spells it ("Ġthe", "▁the"); empty for an id that is not in the vocabulary.
  virtual std::string_view piece(TokenId id) const = 0;
  /// Control tokens such as BOS, which decode() leaves out with SkipSpecial::Yes.
  virtual bool is_special(TokenId id) const = 0;
  virtual std::span<const AddedToken> added_tokens() const = 0;

  /// What the file itself names; nullopt if it names none (tokenizer.json never does: see
  /// text/special_ids.h for the ids a model is to be run with).
  virtual std::optional<TokenId> bos_id() const { return std::nullopt; }
  virtual std::optional<TokenId> eos_id() const { return std::nullopt; }
  /// For people: "BPE, 50257 tokens, tokenizer.json".
  virtual std::string description() const = 0;

 protected:
  Tokenizer() = default;
};

}  // namespace cajal
