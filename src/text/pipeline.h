// The tokenizer that Hugging Face files describe: added tokens, normalizer, pre-tokenizer, model,
// post-processor, decoder, each a component of its own.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "text/added_tokens.h"
#include "text/decoders.h"
#include "text/models/model.h"
#include "text/normalizers.h"
#include "text/post_processors.h"
#include "text/pre_tokenizers.h"
#include "text/tokenizer.h"

namespace cajal {

struct Pipeline {
  AddedTokens added;
  std::unique_ptr<const Normalizer> normalizer;       // may be null
  std::unique_ptr<const PreTokenizer> pre_tokenizer;  // may be null
  std::unique_ptr<const TokenModel> model;
  PostProcessing post;
  std::unique_ptr<const Decoder> decoder;
  std::optional<TokenId> bos;
  std::optional<TokenId> eos;
  std::string source;  // "tokenizer.json": what kind of file it came from
};

std::shared_ptr<const Tokenizer> make_pipeline_tokenizer(Pipeline pipeline);

}  // namespace cajal
