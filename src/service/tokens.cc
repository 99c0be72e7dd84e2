#include "service/tokens.h"

#include <limits>

#include "io/hash.h"
#include "service/identity.h"
#include "service/input.h"
#include "service/names.h"

namespace cajal {
namespace {

/// How many ids the model has, where a configuration beside the tokenizer says so.
std::optional<std::size_t> configured_vocab(const std::filesystem::path& path) {
  if (!std::filesystem::exists(path / "config.json")) {
    return std::nullopt;
  }
  const Json config = Json::load(path / "config.json");
  const Json* text = config.is_object() ? config.find_value("text_config") : nullptr;
  for (const Json* part : {&config, text}) {
    const Json* size =
        part != nullptr && part->is_object() ? part->find_value("vocab_size") : nullptr;
    if (size != nullptr && size->is_int() && size->as_int("") > 0) {
      return static_cast<std::size_t>(size->as_int(""));
    }
  }
  return std::nullopt;
}

std::shared_ptr<const Tokenizer> tokenizer_of(const TokensRequest& request,
                                              const std::filesystem::path& path) {
  auto tokenizer = load_tokenizer(path);
  if (!request.vocab.empty()) {
    check_nameless(request.model, tokenizer.get());
    return load_names(request.vocab,
                      configured_vocab(path).value_or(std::numeric_limits<TokenId>::max()), {});
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
    append(out, tokenizer_fields<TokensRequest>());
    out.push_back({{.name = "jsonl",
                    .help = "each line of the input is a JSON string; print an object a line"},
                   &TokensRequest::jsonl});
    return out;
  }();
  return table;
}

TokenTable::TokenTable(const TokensRequest& request)
    : TokenTable(request, find_model(request.model)) {}

TokenTable::TokenTable(TokensRequest request, FoundModel model)
    : request_(std::move(request)),
      path_(std::move(model.path)),
      notes_(std::move(model.notes)),
      tokenizer_(tokenizer_of(request_, path_)) {
  request_.model = std::move(model.name);
  if (std::filesystem::is_directory(path_) || path_.extension() == ".gguf") {
    special_ = read_special_ids(path_, tokenizer_.get(),
                                configured_vocab(path_).value_or(tokenizer_->vocab_size()));
    notes_.insert(notes_.end(), special_.notes.begin(), special_.notes.end());
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
  const Prompt prompt = prompt_of(path_, request_, text);
  Encoding encoding = tokenizer_->encode(prompt.text, prompt.options);
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
          "{}: there is no token {}; give ids from 0 to {}", request_.model, id,
          tokenizer_->vocab_size() - 1);
    out.pieces.emplace_back(tokenizer_->piece(id));
    out.bytes.push_back(tokenizer_->bytes_of(id));
  }
  out.ids = std::move(ids);
  return out;
}

Provenance TokenTable::provenance() const {
  Provenance out;
  out.model = request_.model;
  out.tokenizer = tokenizer_->description();
  out.tokenizer_hash =
      request_.vocab.empty() ? tokenizer_hash(path_) : hash_of_file(request_.vocab);
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
