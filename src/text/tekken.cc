#include "text/tekken.h"

#include <algorithm>
#include <array>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/error.h"
#include "base/utf8.h"
#include "text/byte_level.h"
#include "text/component.h"
#include "text/models/bpe.h"
#include "text/pipeline.h"
#include "text/precompiled.h"
#include "text/score_merges.h"

namespace cajal {
namespace {

std::string spelled(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) {
    append_utf8(out, byte_level_alphabet()[static_cast<unsigned char>(c)]);
  }
  return out;
}

std::size_t count_at(const Component& config, std::string_view field) {
  const std::int64_t count = config.at(field).as_int(config.where(field));
  if (count < 0 || count > Vocabulary::kMostTokens) {
    fail(ErrorCode::CorruptData, "{}: {} is no number of tokens", config.where(field), count);
  }
  return static_cast<std::size_t>(count);
}

/// Names of the first control tokens where the file does not give them.
std::string control_name(std::size_t rank) {
  constexpr std::array<std::string_view, 5> kNames = {"<unk>", "<s>", "</s>", "[INST]", "[/INST]"};
  return rank < kNames.size() ? std::string(kNames[rank]) : fmt::format("<SPECIAL_{}>", rank);
}

std::vector<AddedToken> control_tokens(const Component& file, std::size_t count) {
  std::vector<AddedToken> out(count);
  for (std::size_t i = 0; i < count; ++i) {
    out[i].id = static_cast<TokenId>(i);
    out[i].content = control_name(i);
    out[i].special = true;
  }
  if (file.json().find_value("special_tokens") != nullptr) {
    for (const Component& token : file.parts("special_tokens")) {
      const std::size_t rank = count_at(token, "rank");
      if (rank >= count) {
        fail(ErrorCode::CorruptData, "{}: rank {} of {} control tokens", token.where(), rank,
             count);
      }
      out[rank].content = token.text("token_str");
    }
  }
  return out;
}

/// Ids follow those of the control tokens; a lower one is merged first.
std::unique_ptr<Bpe> read_bpe(std::span<const Component> entries, std::size_t controls) {
  Vocabulary vocabulary;
  std::vector<double> scores(controls + entries.size(), 0);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const std::string place = entries[i].where("token_bytes");
    const std::string bytes = decode_base64(entries[i].at("token_bytes").as_string(place), place);
    vocabulary.add(spelled(bytes), static_cast<TokenId>(controls + i));
    scores[controls + i] = -static_cast<double>(i);
  }
  BpeOptions options;
  options.units = BpeUnits::Bytes;
  options.ignore_merges = true;
  const std::vector<BpeMerge> merges = merges_by_score(vocabulary, scores);
  return std::make_unique<Bpe>(std::move(vocabulary), merges, std::move(options));
}

}  // namespace

bool is_tekken(const Json& json) noexcept {
  const Json* const config = json.find("config");
  return config != nullptr && config->find("default_vocab_size") != nullptr;
}

std::shared_ptr<const Tokenizer> read_tekken(const Json& json, std::string_view where) {
  const Component file(json, std::string(where));
  const Component config(file.at("config"), file.where("config"));
  const std::size_t controls = count_at(config, "default_num_special_tokens");
  const std::size_t all = count_at(config, "default_vocab_size");
  const std::vector<Component> entries = file.parts("vocab");
  const std::size_t count = std::min(entries.size(), all - std::min(all, controls));
  if (controls > entries.size()) {
    fail(ErrorCode::CorruptData, "{}: {} control tokens but only {} others", config.where(),
         controls, entries.size());
  }
  Pipeline out;
  out.source = "tekken.json";
  out.model = read_bpe(std::span(entries).first(count), controls);
  const Json pattern = Json::object({{"Regex", config.text("pattern")}});
  const Json split = Json::object({{"type", "Split"}, {"pattern", pattern}});
  const Json bytes =
      Json::object({{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", false}});
  out.pre_tokenizer = make_pre_tokenizer(
      Json::object({{"type", "Sequence"}, {"pretokenizers", Json(Json::Array{split, bytes})}}),
      where, ByteSpelling::Raw);
  out.decoder = make_decoder(bytes, where);
  out.added = AddedTokens(control_tokens(file, controls), nullptr);
  if (controls > 2) {
    out.bos = 1;
    out.eos = 2;
    out.post.before.push_back({1, out.added.all()[1].content});
  }
  return make_pipeline_tokenizer(std::move(out));
}

}  // namespace cajal
