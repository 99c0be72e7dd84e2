// How a tokenizer splits a text.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "service/options.h"
#include "service/provenance.h"
#include "service/session.h"
#include "text/special_ids.h"
#include "text/tokenizer.h"

namespace cajal {

struct TokensRequest : ModelOptions, InputOptions {
  bool jsonl = false;  // each line of the text is a JSON string, and a text of its own
};

const FieldTable<TokensRequest>& tokens_fields();

struct TokensResult {
  std::vector<TokenId> ids;
  std::vector<std::string> pieces;
  std::vector<TokenSpan> offsets;  // empty where ids were given
  std::vector<std::string> bytes;  // what each token adds to a text
  bool has_offsets = false;
};

/// A tokenizer by itself; the model's weights are not needed, its configuration is read if it is
/// there.
class TokenTable {
 public:
  /// Throws NotFound, InvalidArgument for --vocab beside a tokenizer, Unsupported without both.
  explicit TokenTable(const TokensRequest& request);

  /// Of request.text or request.ids.
  TokensResult tokens() const;
  /// Of the text that one line of JSON holds; `line` counts from 1, for messages.
  TokensResult tokens_of_line(std::string_view json, std::size_t line) const;
  Provenance provenance() const;
  const std::vector<std::string>& notes() const noexcept { return notes_; }
  bool begins_with_two_bos(const TokensResult& result) const;

 private:
  TokenTable(TokensRequest request, FoundModel model);
  TokensResult encode(std::string_view text) const;
  TokensResult describe(std::vector<TokenId> ids) const;

  TokensRequest request_;  // its model named
  std::filesystem::path path_;
  std::vector<std::string> notes_;
  std::shared_ptr<const Tokenizer> tokenizer_;
  SpecialIds special_;
};

/// {"ids", "pieces", "offsets"}
Json to_json(const TokensResult& result);

}  // namespace cajal
