// Documents as batches of tokens, with the bytes that each token stands for: what measuring and
// looking for examples read. One pass holds one batch, however long the corpus is.
//
// A document is a sequence <bos> text, where the model has a <bos>; a text beyond the context
// becomes several. Nothing is appended and nothing padded.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "corpus/document.h"
#include "corpus/document_stream.h"
#include "model/model.h"
#include "text/tokenizer.h"

namespace cajal {

/// Where a stream of documents comes from: number 0, 1, ..., and nullopt after the last.
using DocumentSource = std::function<std::optional<Document>(std::uint64_t)>;

/// The documents must outlive the source.
DocumentSource source_of(std::span<const Document> documents);
/// The stream's, which copies of the source share.
DocumentSource source_of(std::shared_ptr<DocumentStream> documents);

/// A document, or a piece of one, in a batch.
struct TokenSequence {
  std::uint64_t document = 0;  // its number
  std::size_t begin = 0;       // of its tokens in the batch, <bos> included
  std::size_t end = 0;
};

struct TokenBatch {
  std::vector<TokenId> tokens;
  std::vector<std::int32_t> starts = {0};  // [sequences + 1]
  std::vector<std::int32_t> targets;       // [tokens] the id that follows; -1: none does
  std::vector<TokenSpan> offsets;          // [tokens] bytes of the document's text; empty: <bos>
  std::vector<TokenSequence> sequences;
  std::vector<Document> documents;  // those that sequences name, in their order, each once

  Batch batch() const noexcept { return {tokens, starts}; }
  const Document& document_of(const TokenSequence& sequence) const {
    return documents[sequence.document - first_document];
  }
  std::uint64_t first_document = 0;
};

struct TokenBatchOptions {
  std::optional<TokenId> bos;
  std::size_t context = 512;      // longest sequence; at least 2
  std::size_t batch = 1024;       // tokens, unless one sequence is longer
  std::size_t tokens = SIZE_MAX;  // of all batches: the stream ends at the sequence that reaches it
};

/// A stream of batches. Not for two threads at once.
class TokenBatches {
 public:
  /// The tokenizer must outlive it.
  TokenBatches(const Tokenizer& tokenizer, DocumentSource documents, TokenBatchOptions options);

  /// The next batch; nullopt after the last. Documents without tokens are passed over. Throws what
  /// the source and the tokenizer throw.
  std::optional<TokenBatch> next();
  /// From the first document on.
  void rewind();

  /// Where the next batch begins.
  struct Position {
    std::uint64_t document = 0;  // its number
    std::uint64_t done = 0;      // tokens of it that were given
    std::uint64_t given = 0;     // of all batches
    friend bool operator==(const Position&, const Position&) = default;
  };
  Position position() const;
  /// Goes on from there: the same batches as without a break, of the same documents. Throws
  /// CorruptData if the document is not as long as it was.
  void restore(const Position& position);
  std::size_t tokens() const noexcept { return given_; }

 private:
  struct Pending {
    std::uint64_t number = 0;
    Document document;
    Encoding encoding;
    std::size_t done = 0;  // tokens of it that were given
  };
  bool read_document();
  std::size_t pending_length() const;
  void take_piece(TokenBatch& batch);

  const Tokenizer& tokenizer_;
  DocumentSource documents_;
  TokenBatchOptions options_;
  std::uint64_t next_ = 0;
  std::size_t given_ = 0;
  std::optional<Pending> pending_;
};

/// The longest sequence and the tokens of a batch for which logits of two passes, [tokens, vocab]
/// each, stay at about 256 MB.
TokenBatchOptions batch_options(const ModelConfig& config, std::optional<TokenId> bos,
                                std::size_t tokens);

/// Those of `tokens` that are none of `kept`: indices.
std::vector<std::size_t> rows_except(std::span<const TokenId> tokens,
                                     std::span<const TokenId> kept);

/// The tokens of a sequence that hold a byte of `span`, in order: indices into the batch.
std::vector<std::size_t> tokens_of(const TokenBatch& batch, const TokenSequence& sequence,
                                   const Span& span);

}  // namespace cajal
