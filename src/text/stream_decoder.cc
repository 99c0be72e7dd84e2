#include "text/stream_decoder.h"

#include <utility>

namespace cajal {

StreamDecoder::StreamDecoder(std::shared_ptr<const Tokenizer> tokenizer, SkipSpecial skip,
                             Show show)
    : tokenizer_(std::move(tokenizer)),
      skip_(skip),
      show_(show),
      decoding_(tokenizer_->start_decoding(skip, show)) {}

std::string StreamDecoder::push(TokenId id) {
  std::string out;
  decoding_->push(id, out);
  return out;
}

std::string StreamDecoder::finish() {
  std::string out;
  decoding_->finish(out);
  decoding_ = tokenizer_->start_decoding(skip_, show_);
  return out;
}

}  // namespace cajal
