#include "activations/token_batches.h"

#include <algorithm>
#include <utility>

#include "base/error.h"

namespace cajal {
namespace {

constexpr std::size_t kLogitElements = std::size_t{32} << 20;
constexpr std::size_t kLongest = 512;  // tokens; longer sequences gain little and take memory

}  // namespace

DocumentSource source_of(std::span<const Document> documents) {
  return [documents](std::uint64_t index) {
    return index < documents.size() ? std::optional(documents[index]) : std::nullopt;
  };
}

DocumentSource source_of(std::shared_ptr<DocumentStream> documents) {
  return [documents = std::move(documents)](std::uint64_t index) { return documents->read(index); };
}

TokenBatches::TokenBatches(const Tokenizer& tokenizer, DocumentSource documents,
                           TokenBatchOptions options)
    : tokenizer_(tokenizer), documents_(std::move(documents)), options_(options) {
  check(options.context >= 2, "sequences of {} tokens predict nothing; give at least 2",
        options.context);
}

void TokenBatches::rewind() {
  next_ = 0;
  given_ = 0;
  pending_.reset();
}

TokenBatches::Position TokenBatches::position() const {
  const bool within = pending_ && pending_->done < pending_->encoding.ids.size();
  return {.document = within ? pending_->number : next_,
          .done = within ? pending_->done : 0,
          .given = given_};
}

void TokenBatches::restore(const Position& position) {
  pending_.reset();
  next_ = position.document;
  given_ = 0;  // so that it is read whatever the limit is
  if (position.done != 0) {
    const bool there = read_document() && pending_->number == position.document &&
                       position.done < pending_->encoding.ids.size();
    if (!there) {
      fail(ErrorCode::CorruptData, "document {} of the corpus is not what it was; begin again",
           position.document);
    }
    pending_->done = position.done;
  }
  given_ = position.given;
}

bool TokenBatches::read_document() {
  if (given_ >= options_.tokens) {
    return false;
  }
  while (!pending_ || pending_->done == pending_->encoding.ids.size()) {
    pending_.reset();
    std::optional<Document> document = documents_(next_);
    if (!document) {
      return false;
    }
    Encoding encoding = tokenizer_.encode(document->text, {.add_special_tokens = false});
    pending_ = Pending{next_++, std::move(*document), std::move(encoding), 0};
  }
  return true;
}

std::size_t TokenBatches::pending_length() const {
  const std::size_t bos = options_.bos ? 1 : 0;
  return std::min(options_.context, pending_->encoding.ids.size() - pending_->done + bos);
}

void TokenBatches::take_piece(TokenBatch& batch) {
  const std::size_t length = pending_length();
  TokenSequence sequence{pending_->number, batch.tokens.size(), batch.tokens.size() + length};
  if (options_.bos) {
    batch.tokens.push_back(*options_.bos);
    batch.offsets.push_back({});
  }
  for (; batch.tokens.size() < sequence.end; ++pending_->done) {
    batch.tokens.push_back(pending_->encoding.ids[pending_->done]);
    batch.offsets.push_back(pending_->encoding.offsets[pending_->done]);
  }
  batch.targets.insert(batch.targets.end(),
                       batch.tokens.begin() + static_cast<std::ptrdiff_t>(sequence.begin) + 1,
                       batch.tokens.end());
  batch.targets.push_back(-1);
  batch.starts.push_back(static_cast<std::int32_t>(sequence.end));
  const bool is_new = batch.first_document + batch.documents.size() <= sequence.document;
  while (batch.first_document + batch.documents.size() <= sequence.document) {
    batch.documents.emplace_back();  // those without tokens stay empty
  }
  if (is_new) {
    batch.documents.back() = pending_->document;
  }
  batch.sequences.push_back(sequence);
  given_ += length;
}

std::optional<TokenBatch> TokenBatches::next() {
  TokenBatch out;
  while (read_document()) {
    if (out.sequences.empty()) {
      out.first_document = pending_->number;
    } else if (out.tokens.size() + pending_length() > options_.batch) {
      break;
    }
    take_piece(out);
  }
  return out.sequences.empty() ? std::nullopt : std::optional(std::move(out));
}

TokenBatchOptions batch_options(const ModelConfig& config, std::optional<TokenId> bos,
                                std::size_t tokens) {
  const std::size_t context = std::min(config.context, kLongest);
  return {.bos = bos,
          .context = std::max<std::size_t>(context, 2),
          .batch = std::clamp<std::size_t>(kLogitElements / config.vocab, context, 2048),
          .tokens = tokens};
}

std::vector<std::size_t> rows_except(std::span<const TokenId> tokens,
                                     std::span<const TokenId> kept) {
  std::vector<std::size_t> out;
  for (std::size_t t = 0; t < tokens.size(); ++t) {
    if (std::find(kept.begin(), kept.end(), tokens[t]) == kept.end()) {
      out.push_back(t);
    }
  }
  return out;
}

std::vector<std::size_t> tokens_of(const TokenBatch& batch, const TokenSequence& sequence,
                                   const Span& span) {
  std::vector<std::size_t> out;
  for (std::size_t t = sequence.begin; t < sequence.end; ++t) {
    const TokenSpan token = batch.offsets[t];
    if (token.begin < span.end && token.end > span.begin && token.begin < token.end) {
      out.push_back(t);
    }
  }
  return out;
}

}  // namespace cajal
