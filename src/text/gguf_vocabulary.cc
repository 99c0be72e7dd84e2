#include "text/gguf_vocabulary.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/utf8.h"
#include "text/known_patterns.h"
#include "text/models/bpe.h"
#include "text/pipeline.h"
#include "text/score_merges.h"

namespace cajal {
namespace {

enum TokenType : std::int64_t { kNormal = 1, kUnknown, kControl, kUserDefined, kUnused, kByte };

Json split_by(std::string_view regex) {
  return Json::object({{"type", "Split"},
                       {"pattern", Json::object({{"Regex", regex}})},
                       {"behavior", "Isolated"},
                       {"invert", false}});
}

Json byte_level(bool use_regex) {
  return Json::object(
      {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", use_regex}});
}

Json sequence(Json::Array parts) {
  return Json::object({{"type", "Sequence"}, {"pretokenizers", Json(std::move(parts))}});
}

Json gpt2() {
  return byte_level(true);
}
Json digits_then_gpt2() {
  return sequence({Json::object({{"type", "Digits"}, {"individual_digits", true}}), gpt2()});
}
template <const std::string_view& kPattern>
Json one_pattern() {
  return sequence({split_by(kPattern), byte_level(false)});
}
Json falcon() {
  return sequence({Json::object({{"type", "Punctuation"}, {"behavior", "Contiguous"}}), gpt2(),
                   Json::object({{"type", "Digits"}, {"individual_digits", false}}),
                   split_by("[0-9][0-9][0-9]")});
}
Json deepseek_llm() {
  return sequence({split_by("[\r\n]"), split_by(R"(\s?\p{L}+)"), split_by(R"(\s?\p{P}+)"),
                   split_by(R"(\s+$)"), split_by("[一-龥ࠀ-一가-퟿]+"),
                   Json::object({{"type", "Digits"}, {"individual_digits", true}}),
                   byte_level(false)});
}
Json deepseek_v3() {
  return sequence({split_by(kThreeDigitsPattern), split_by(kCjkPattern), split_by(kDeepSeekPattern),
                   byte_level(false)});
}

struct PreTokenizerName {
  std::string_view name;
  Json (*make)();
  bool ignore_merges = false;
  bool nfc = false;
};

constexpr std::array<PreTokenizerName, 24> kPreTokenizers = {{
    {"gpt-2", gpt2},
    {"phi-2", gpt2},
    {"mpt", gpt2},
    {"olmo", gpt2},
    {"jais", gpt2},
    {"smollm", digits_then_gpt2},
    {"starcoder", digits_then_gpt2},
    {"refact", digits_then_gpt2},
    {"command-r", digits_then_gpt2},
    {"codeshell", digits_then_gpt2},
    {"llama-bpe", one_pattern<kLlama3Pattern>, true},
    {"llama3", one_pattern<kLlama3Pattern>, true},
    {"llama-v3", one_pattern<kLlama3Pattern>, true},
    {"falcon3", one_pattern<kLlama3Pattern>, true},
    {"dbrx", one_pattern<kLlama3Pattern>},
    {"qwen2", one_pattern<kQwen2Pattern>, false, true},
    {"deepseek-r1-qwen", one_pattern<kQwen2Pattern>, false, true},
    {"qwen35", one_pattern<kQwen35Pattern>, false, true},
    {"gpt-4o", one_pattern<kO200kPattern>, true},
    {"tekken", one_pattern<kTekkenPattern>, true},
    {"pixtral", one_pattern<kTekkenPattern>, true},
    {"falcon", falcon},
    {"deepseek-llm", deepseek_llm},
    {"deepseek-v3", deepseek_v3},
}};

const PreTokenizerName& pre_tokenizer_named(std::string_view name, const Gguf& gguf) {
  const auto* const found = std::find_if(kPreTokenizers.begin(), kPreTokenizers.end(),
                                         [&](const auto& known) { return known.name == name; });
  if (found == kPreTokenizers.end()) {
    std::string names;
    for (const PreTokenizerName& known : kPreTokenizers) {
      names += names.empty() ? "" : ", ";
      names += known.name;
    }
    fail(ErrorCode::Unsupported,
         "{}: tokenizer.ggml.pre '{}' is not supported; known are {}; use the model's "
         "tokenizer.json",
         gguf.name(), name.substr(0, 100), names);
  }
  return *found;
}

/// Tokens with their types; what the lists leave out at the end are tokens added later.
struct Tokens {
  std::vector<std::string_view> pieces;
  std::vector<std::int64_t> types;
  std::vector<double> scores;
};

Tokens read_tokens(const Gguf& gguf) {
  Tokens out;
  auto pieces = gguf.find_strings("tokenizer.ggml.tokens");
  if (!pieces) {
    fail(ErrorCode::NotFound, "{}: the file has no vocabulary (tokenizer.ggml.tokens)",
         gguf.name());
  }
  out.pieces = std::move(*pieces);
  if (out.pieces.size() > static_cast<std::size_t>(Vocabulary::kMostTokens)) {
    fail(ErrorCode::CorruptData, "{}: {} tokens are too many", gguf.name(), out.pieces.size());
  }
  out.types = gguf.find_ints("tokenizer.ggml.token_type")
                  .value_or(std::vector<std::int64_t>(out.pieces.size(), kNormal));
  out.scores = gguf.find_floats("tokenizer.ggml.scores").value_or(std::vector<double>());
  out.types.resize(out.pieces.size(), kControl);
  out.scores.resize(out.pieces.size(), -std::numeric_limits<double>::infinity());
  for (std::size_t i = 0; i < out.pieces.size(); ++i) {
    if (!is_valid_utf8(out.pieces[i])) {
      fail(ErrorCode::CorruptData, "{}: tokenizer.ggml.tokens[{}] is not UTF-8", gguf.name(), i);
    }
  }
  return out;
}

Vocabulary vocabulary_of(const Tokens& tokens) {
  Vocabulary out;
  out.reserve(tokens.pieces.size(), 8 * tokens.pieces.size());
  for (std::size_t i = 0; i < tokens.pieces.size(); ++i) {
    out.add(tokens.pieces[i], static_cast<TokenId>(i));
  }
  return out;
}

std::vector<AddedToken> added_tokens_of(const Tokens& tokens) {
  std::vector<AddedToken> out;
  for (std::size_t i = 0; i < tokens.pieces.size(); ++i) {
    const std::int64_t type = tokens.types[i];
    const bool added = type == kUnknown || type == kControl || type == kUserDefined;
    if (added && !tokens.pieces[i].empty()) {
      AddedToken token;
      token.id = static_cast<TokenId>(i);
      token.content = tokens.pieces[i];
      token.special = type != kUserDefined;
      out.push_back(std::move(token));
    }
  }
  return out;
}

/// nullopt also for ids outside the vocabulary, such as the -1 of old files.
std::optional<TokenId> token_at(const Gguf& gguf, std::string_view key, std::size_t count) {
  const std::optional<std::int64_t> id = gguf.find_int(key);
  const bool valid = id && *id >= 0 && static_cast<std::size_t>(*id) < count;
  return valid ? std::optional(static_cast<TokenId>(*id)) : std::nullopt;
}

std::vector<BpeMerge> read_merges(const Gguf& gguf, const Vocabulary& vocabulary) {
  const auto lines = gguf.find_strings("tokenizer.ggml.merges");
  if (!lines) {
    fail(ErrorCode::CorruptData, "{}: the vocabulary has no tokenizer.ggml.merges", gguf.name());
  }
  std::vector<BpeMerge> out;
  for (const std::string_view line : *lines) {
    const std::size_t space = std::min(line.size(), line.find(' ', 1));
    const std::string_view left = line.substr(0, space);
    const std::string_view right = line.substr(std::min(line.size(), space + 1));
    const std::string joined = std::string(left) + std::string(right);
    const auto left_id = vocabulary.id_of(left);
    const auto right_id = vocabulary.id_of(right);
    const auto result = vocabulary.id_of(joined);
    if (!left_id || !right_id || !result) {
      fail(ErrorCode::CorruptData,
           "{}: tokenizer.ggml.merges[{}]: '{}' names a piece that is not in the vocabulary",
           gguf.name(), out.size(), line.substr(0, 100));
    }
    out.push_back({*left_id, *right_id, *result, static_cast<std::uint32_t>(out.size())});
  }
  return out;
}

void read_byte_level(const Gguf& gguf, const Tokens& tokens, Pipeline& out) {
  const PreTokenizerName& pre =
      pre_tokenizer_named(gguf.find_string("tokenizer.ggml.pre").value_or("gpt-2"), gguf);
  const Json pre_tokenizer = pre.make();
  BpeOptions options;
  options.ignore_merges = pre.ignore_merges;
  options.units = ends_in_byte_level(pre_tokenizer) ? BpeUnits::Bytes : BpeUnits::Characters;
  const ByteSpelling spelling =
      options.units == BpeUnits::Bytes ? ByteSpelling::Raw : ByteSpelling::Alphabet;
  Vocabulary vocabulary = vocabulary_of(tokens);
  const std::vector<BpeMerge> merges = read_merges(gguf, vocabulary);
  out.model = std::make_unique<Bpe>(std::move(vocabulary), merges, std::move(options));
  out.normalizer = pre.nfc ? make_nfc_normalizer() : nullptr;
  out.pre_tokenizer = make_pre_tokenizer(pre_tokenizer, gguf.name(), spelling);
  out.decoder = make_decoder(byte_level(false), gguf.name());
}

Json replace(std::string_view from, std::string_view to) {
  return Json::object(
      {{"type", "Replace"}, {"pattern", Json::object({{"String", from}})}, {"content", to}});
}

/// SentencePiece's BPE, as the tokenizer.json of Llama 2 spells it.
void read_sentencepiece(const Gguf& gguf, const Tokens& tokens, Pipeline& out) {
  const bool prefix = gguf.find_bool("tokenizer.ggml.add_space_prefix").value_or(true);
  BpeOptions options;
  options.byte_fallback = true;
  options.fuse_unknown = true;
  options.unknown = token_at(gguf, "tokenizer.ggml.unknown_token_id", tokens.pieces.size());
  std::vector<double> scores = tokens.scores;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    if (tokens.types[i] != kNormal && tokens.types[i] != kUserDefined) {
      scores[i] = -std::numeric_limits<double>::infinity();  // never made by a merge
    }
  }
  Vocabulary vocabulary = vocabulary_of(tokens);
  const std::vector<BpeMerge> merges = merges_by_score(vocabulary, scores);
  out.model = std::make_unique<Bpe>(std::move(vocabulary), merges, std::move(options));
  Json::Array normalizers;
  Json::Array decoders = {replace("\u2581", " "), Json::object({{"type", "ByteFallback"}}),
                          Json::object({{"type", "Fuse"}})};
  if (prefix) {
    normalizers.push_back(Json::object({{"type", "Prepend"}, {"prepend", "\u2581"}}));
    decoders.push_back(
        Json::object({{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}}));
  }
  normalizers.push_back(replace(" ", "\u2581"));
  out.normalizer = make_normalizer(
      Json::object({{"type", "Sequence"}, {"normalizers", Json(std::move(normalizers))}}),
      gguf.name());
  out.decoder = make_decoder(
      Json::object({{"type", "Sequence"}, {"decoders", Json(std::move(decoders))}}), gguf.name());
}

}  // namespace

std::shared_ptr<const Tokenizer> read_gguf_vocabulary(const Gguf& gguf) {
  const Tokens tokens = read_tokens(gguf);
  const std::string_view kind = gguf.find_string("tokenizer.ggml.model").value_or("");
  Pipeline out;
  out.source = "GGUF";
  if (kind == "gpt2") {
    read_byte_level(gguf, tokens, out);
  } else if (kind == "llama") {
    read_sentencepiece(gguf, tokens, out);
  } else {
    fail(ErrorCode::Unsupported,
         "{}: tokenizer.ggml.model '{}' is not supported; known are gpt2 and llama", gguf.name(),
         kind.substr(0, 100));
  }
  out.bos = token_at(gguf, "tokenizer.ggml.bos_token_id", tokens.pieces.size());
  out.eos = token_at(gguf, "tokenizer.ggml.eos_token_id", tokens.pieces.size());
  const auto special = [&](TokenId id) {
    return PostProcessing::SpecialToken{id,
                                        std::string(tokens.pieces[static_cast<std::size_t>(id)])};
  };
  if (out.bos && gguf.find_bool("tokenizer.ggml.add_bos_token").value_or(kind == "llama")) {
    out.post.before.push_back(special(*out.bos));
  }
  if (out.eos && gguf.find_bool("tokenizer.ggml.add_eos_token").value_or(false)) {
    out.post.after.push_back(special(*out.eos));
  }
  out.added = AddedTokens(added_tokens_of(tokens), out.normalizer.get());
  return make_pipeline_tokenizer(std::move(out));
}

}  // namespace cajal
