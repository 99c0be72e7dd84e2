#include "service/tokens.h"

#include <limits>

#include "service/chat_prompt.h"
#include "service/input.h"
#include "service/names.h"

namespace cajal {
namespace {

std::shared_ptr<const Tokenizer> tokenizer_of(const TokensRequest& request,
                                              const std::filesystem::path& path) {
  auto tokenizer = load_tokenizer(path);
  if (!tokenizer && !request.vocab.empty()) {
    return load_names(request.vocab, std::numeric_limits<TokenId>::max(), {});
  }
  if (!tokenizer) {
    fail(ErrorCode::Unsupported,
         "{}: has no tokenizer (tokenizer.json or tokenizer.model); give --vocab FILE and --ids to "
         "see names",
         path.string());
  }
  return tokenizer;
}

}  // namespace

const FieldTable<TokensRequest>& tokens_fields() {
  static const FieldTable<TokensRequest> table = [] {
    auto out = input_fields<TokensRequest>();
    append(out, model_fields<TokensRequest>());
    out.push_back({{.name = "jsonl",
                    .help = "each line of the input is a JSON string; print an object a line"},
                   &TokensRequest::jsonl});
    return out;
  }();
  return table;
}

TokenTable::TokenTable(const TokensRequest& request) : request_(request) {
  const std::filesystem::path path = find_model(request.model);
  name_ = path.string();
  tokenizer_ = tokenizer_of(request, path);
  if (std::filesystem::is_directory(path) || path.extension() == ".gguf") {
    special_ = read_special_ids(path, tokenizer_.get(), tokenizer_->vocab_size());
  }
}

TokensResult TokenTable::tokens() const {
  check_input(request_);
  return request_.text ? encode(*request_.text) : describe(request_.ids);
}

TokensResult TokenTable::tokens_of_line(std::string_view json, std::size_t line) const {
  const std::string where = fmt::format("line {} of the input", line);
  return encode(Json::parse(json, where).as_string(where));
}

TokensResult TokenTable::encode(std::string_view text) const {
  std::string rendered;
  EncodeOptions options{.add_special_tokens = !request_.no_special};
  if (request_.chat) {
    const ChatMessage message{.role = "user", .content = std::string(text)};
    rendered = render_chat(name_, std::span(&message, 1));
    text = rendered;
    options.add_special_tokens = false;
  }
  Encoding encoding = tokenizer_->encode(text, options);
  TokensResult out = describe(std::move(encoding.ids));
  out.pieces = std::move(encoding.pieces);
  out.offsets = std::move(encoding.offsets);
  out.has_offsets = true;
  return out;
}

TokensResult TokenTable::describe(std::vector<TokenId> ids) const {
  TokensResult out;
  for (const TokenId id : ids) {
    check(id >= 0 && static_cast<std::size_t>(id) < tokenizer_->vocab_size(),
          "{}: there is no token {}; ids are 0 to {}", name_, id, tokenizer_->vocab_size() - 1);
    out.pieces.emplace_back(tokenizer_->piece(id));
    out.bytes.push_back(tokenizer_->bytes_of(id));
  }
  out.ids = std::move(ids);
  return out;
}

Provenance TokenTable::provenance() const {
  Provenance out;
  out.model = name_;
  out.tokenizer = tokenizer_->description();
  return out;
}

bool TokenTable::begins_with_two_bos(const TokensResult& result) const {
  return has_double_bos(result.ids, special_);
}

Json to_json(const TokensResult& result) {
  Json offsets;
  if (result.has_offsets) {
    offsets = Json(Json::Array{});
    for (const TokenSpan& span : result.offsets) {
      offsets.push_back(Json(Json::Array{Json(span.begin), Json(span.end)}));
    }
  }
  return Json::object({{"ids", Json::array_of(result.ids)},
                       {"pieces", Json::array_of(result.pieces)},
                       {"offsets", std::move(offsets)}});
}

}  // namespace cajal
