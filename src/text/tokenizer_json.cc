#include "text/tokenizer_json.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/error.h"
#include "text/component.h"
#include "text/models/bpe.h"
#include "text/models/unigram.h"
#include "text/models/word_level.h"
#include "text/pipeline.h"

namespace cajal {
namespace {

/// Ids take memory up to the largest, so a small file may not name a huge one.
std::int64_t largest_id(std::size_t file_bytes) {
  const std::size_t most = std::max<std::size_t>(1U << 16U, 4 * file_bytes);
  return static_cast<std::int64_t>(
      std::min(most, static_cast<std::size_t>(Vocabulary::kMostTokens) - 1));
}

TokenId read_id(const Json& json, std::string_view where, std::size_t file_bytes) {
  const std::int64_t id = json.as_int(where);
  if (id < 0 || id > largest_id(file_bytes)) {
    fail(ErrorCode::CorruptData, "{}: {} is no token id (0 to {} in a file of {} bytes)", where, id,
         largest_id(file_bytes), file_bytes);
  }
  return static_cast<TokenId>(id);
}

Vocabulary read_vocabulary(const Component& model, std::size_t file_bytes) {
  const std::string where = model.where("vocab");
  const Json::Object& members = model.at("vocab").as_object(where);
  std::size_t bytes = 0;
  for (const auto& [piece, id] : members) {
    bytes += piece.size();
  }
  Vocabulary out;
  out.reserve(members.size(), bytes);
  for (const auto& [piece, id] : members) {
    const TokenId number = read_id(id, where, file_bytes);
    if (!out.add(piece, number)) {
      fail(ErrorCode::CorruptData, "{}: id {} is given to '{}' and to '{}'", where, number,
           std::string(out.piece(number)).substr(0, 100), piece.substr(0, 100));
    }
  }
  return out;
}

/// "a b", or ["a", "b"].
std::pair<std::string_view, std::string_view> merge_parts(const Json& json,
                                                          const std::string& where) {
  if (json.is_string()) {
    const std::string_view text = json.as_string(where);
    const std::size_t space = text.find(' ');
    if (space == std::string_view::npos || text.find(' ', space + 1) != std::string_view::npos) {
      fail(ErrorCode::CorruptData, "{}: '{}' is not two pieces with a space between", where,
           text.substr(0, 100));
    }
    return {text.substr(0, space), text.substr(space + 1)};
  }
  const Json::Array& pair = json.as_array(where);
  if (pair.size() != 2) {
    fail(ErrorCode::CorruptData, "{}: a merge of {} pieces; it takes two", where, pair.size());
  }
  return {pair[0].as_string(where), pair[1].as_string(where)};
}

TokenId known_piece(const Vocabulary& vocabulary, std::string_view piece, std::string_view where,
                    std::size_t index) {
  const std::optional<TokenId> id = vocabulary.id_of(piece);
  if (!id) {
    fail(ErrorCode::CorruptData, "{}[{}]: the piece '{}' is not in the vocabulary", where, index,
         piece.substr(0, 100));
  }
  return *id;
}

std::vector<BpeMerge> read_merges(const Component& model, const Vocabulary& vocabulary,
                                  std::string_view continuing_prefix) {
  const std::string where = model.where("merges");
  const Json::Array& list = model.at("merges").as_array(where);
  std::vector<BpeMerge> out;
  out.reserve(list.size());
  std::string joined;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const auto [left, right] = merge_parts(list[i], where);
    joined = left;
    joined += right.starts_with(continuing_prefix) ? right.substr(continuing_prefix.size()) : right;
    out.push_back({known_piece(vocabulary, left, where, i),
                   known_piece(vocabulary, right, where, i),
                   known_piece(vocabulary, joined, where, i), static_cast<std::uint32_t>(i)});
  }
  return out;
}

std::unique_ptr<const TokenModel> read_bpe(const Component& model, const Json& pre_tokenizer,
                                           std::size_t file_bytes) {
  Vocabulary vocabulary = read_vocabulary(model, file_bytes);
  BpeOptions options;
  options.fuse_unknown = model.flag("fuse_unk", false);
  options.byte_fallback = model.flag("byte_fallback", false);
  options.ignore_merges = model.flag("ignore_merges", false);
  options.continuing_prefix = model.text("continuing_subword_prefix", "");
  options.end_suffix = model.text("end_of_word_suffix", "");
  if (model.json().find_value("unk_token") != nullptr) {
    options.unknown = vocabulary.id_of(model.text("unk_token"));
  }
  if (const Json* dropout = model.json().find_value("dropout")) {
    if (dropout->as_double(model.where("dropout")) != 0) {
      fail(ErrorCode::Unsupported, "{}: merges left out at random are not supported",
           model.where("dropout"));
    }
  }
  const bool plain =
      !options.byte_fallback && options.continuing_prefix.empty() && options.end_suffix.empty();
  options.units =
      plain && ends_in_byte_level(pre_tokenizer) ? BpeUnits::Bytes : BpeUnits::Characters;
  const std::vector<BpeMerge> merges = read_merges(model, vocabulary, options.continuing_prefix);
  return std::make_unique<Bpe>(std::move(vocabulary), merges, std::move(options));
}

std::unique_ptr<const TokenModel> read_unigram(const Component& model) {
  const std::string where = model.where("vocab");
  const Json::Array& list = model.at("vocab").as_array(where);
  Vocabulary vocabulary;
  std::vector<double> scores;
  for (const Json& entry : list) {
    const Json::Array& pair = entry.as_array(where);
    if (pair.size() != 2) {
      fail(ErrorCode::CorruptData, "{}[{}]: expected a piece and its score", where, scores.size());
    }
    const double score = pair[1].as_double(where);
    if (!std::isfinite(score) ||
        !vocabulary.add(pair[0].as_string(where), static_cast<TokenId>(scores.size()))) {
      fail(ErrorCode::CorruptData, "{}[{}]: the score {} is not finite, or there are too many",
           where, scores.size(), score);
    }
    scores.push_back(score);
  }
  UnigramOptions options;
  options.byte_fallback = model.flag("byte_fallback", false);
  if (const Json* unknown = model.json().find_value("unk_id")) {
    const std::int64_t id = unknown->as_int(model.where("unk_id"));
    if (id < 0 || id >= static_cast<std::int64_t>(scores.size())) {
      fail(ErrorCode::CorruptData, "{}: {} is outside the vocabulary of {}", model.where("unk_id"),
           id, scores.size());
    }
    options.unknown = static_cast<TokenId>(id);
  }
  return std::make_unique<Unigram>(std::move(vocabulary), scores, options);
}

std::unique_ptr<const TokenModel> read_word_level(const Component& model, std::size_t file_bytes) {
  Vocabulary vocabulary = read_vocabulary(model, file_bytes);
  const std::optional<TokenId> unknown = vocabulary.id_of(model.text("unk_token", ""));
  return std::make_unique<WordLevel>(std::move(vocabulary), unknown);
}

/// Files from before 2021 do not name the type.
std::string model_type(const Component& model) {
  if (model.json().find_value("type") != nullptr) {
    return model.text("type");
  }
  if (model.json().find("merges") != nullptr) {
    return "BPE";
  }
  const Json* const vocab = model.json().find("vocab");
  return vocab != nullptr && vocab->is_array() ? "Unigram" : "WordLevel";
}

std::unique_ptr<const TokenModel> read_model(const Component& model, const Json& pre_tokenizer,
                                             std::size_t file_bytes) {
  const std::string type = model_type(model);
  if (type == "BPE") {
    return read_bpe(model, pre_tokenizer, file_bytes);
  }
  if (type == "Unigram") {
    return read_unigram(model);
  }
  if (type == "WordLevel") {
    return read_word_level(model, file_bytes);
  }
  fail(ErrorCode::Unsupported,
       "{}: the model '{}' is not supported; known are BPE, Unigram, WordLevel", model.where(),
       type.substr(0, 100));
}

AddedToken read_added_token(const Component& c, const Vocabulary& vocabulary,
                            std::size_t file_bytes) {
  AddedToken out;
  out.content = c.text("content");
  out.id = read_id(c.at("id"), c.where("id"), file_bytes);
  out.special = c.flag("special", false);
  out.single_word = c.flag("single_word", false);
  out.lstrip = c.flag("lstrip", false);
  out.rstrip = c.flag("rstrip", false);
  out.normalized = c.flag("normalized", !out.special);
  const std::optional<TokenId> known = vocabulary.id_of(out.content);
  if (known) {  // the model's own id counts
    out.id = *known;
  } else if (vocabulary.has(out.id)) {
    fail(ErrorCode::CorruptData, "{}: id {} of '{}' belongs to the piece '{}' of the vocabulary",
         c.where("id"), out.id, out.content.substr(0, 100),
         vocabulary.piece(out.id).substr(0, 100));
  }
  return out;
}

std::vector<AddedToken> read_added_tokens(const Component& file, const Vocabulary& vocabulary,
                                          std::size_t file_bytes) {
  std::vector<AddedToken> out;
  if (file.json().find_value("added_tokens") == nullptr) {
    return out;
  }
  std::unordered_set<TokenId> ids;
  for (const Component& c : file.parts("added_tokens")) {
    AddedToken token = read_added_token(c, vocabulary, file_bytes);
    if (token.content.empty()) {
      continue;
    }
    if (!ids.insert(token.id).second) {
      fail(ErrorCode::CorruptData, "{}: id {} is given twice", c.where("id"), token.id);
    }
    out.push_back(std::move(token));
  }
  return out;
}

const Json& member_or_null(const Json& json, std::string_view name) {
  static const Json null;
  const Json* const found = json.find(name);
  return found == nullptr ? null : *found;
}

}  // namespace

std::shared_ptr<const Tokenizer> read_tokenizer_json(const Json& json, std::string_view where,
                                                     std::size_t bytes) {
  const Component file(json, std::string(where));
  const auto part = [&](std::string_view name) -> const Json& {
    return member_or_null(json, name);
  };
  Pipeline out;
  out.source = "tokenizer.json";
  const Json& pre_tokenizer = part("pre_tokenizer");
  const Component model(file.at("model"), file.where("model"));
  out.model = read_model(model, pre_tokenizer, bytes);
  const auto* const bpe = dynamic_cast<const Bpe*>(out.model.get());
  const bool raw = bpe != nullptr && bpe->units() == BpeUnits::Bytes;
  out.normalizer = make_normalizer(part("normalizer"), file.where("normalizer"));
  out.pre_tokenizer = make_pre_tokenizer(pre_tokenizer, file.where("pre_tokenizer"),
                                         raw ? ByteSpelling::Raw : ByteSpelling::Alphabet);
  out.post = PostProcessing::from_json(part("post_processor"), file.where("post_processor"));
  out.decoder = make_decoder(part("decoder"), file.where("decoder"));
  out.added =
      AddedTokens(read_added_tokens(file, out.model->vocabulary(), bytes), out.normalizer.get());
  return make_pipeline_tokenizer(std::move(out));
}

}  // namespace cajal
