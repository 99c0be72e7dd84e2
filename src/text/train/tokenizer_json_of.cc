// A trained tokenizer as tokenizer.json.
#include <fmt/format.h>

#include "base/utf8.h"
#include "text/byte_level.h"
#include "text/train/train_bpe.h"

namespace cajal {
namespace {

/// In the alphabet that the file is written in; special tokens are spelled as they are.
std::string spelled(const std::string& bytes) {
  std::string out;
  for (const char byte : bytes) {
    append_utf8(out, byte_level_alphabet()[static_cast<unsigned char>(byte)]);
  }
  return out;
}

Json added_tokens(const TrainedBpe& bpe) {
  Json out(Json::Array{});
  for (std::size_t id = 0; id < bpe.special.size(); ++id) {
    out.push_back(Json::object({{"id", id},
                                {"content", bpe.special[id]},
                                {"single_word", false},
                                {"lstrip", false},
                                {"rstrip", false},
                                {"normalized", false},
                                {"special", true}}));
  }
  return out;
}

Json byte_level_component(bool as_decoder) {
  return Json::object({{"type", "ByteLevel"},
                       {"add_prefix_space", false},
                       {"trim_offsets", as_decoder},
                       {"use_regex", false}});
}

Json pre_tokenizer(const TrainedBpe& bpe) {
  const Json split = Json::object({{"type", "Split"},
                                   {"pattern", Json::object({{"Regex", bpe.pattern}})},
                                   {"behavior", "Isolated"},
                                   {"invert", false}});
  return Json::object({{"type", "Sequence"},
                       {"pretokenizers", Json(Json::Array{split, byte_level_component(false)})}});
}

Json special_token(const std::string& name) {
  return Json::object({{"SpecialToken", Json::object({{"id", name}, {"type_id", 0}})}});
}

Json sequence(const char* which, int type) {
  return Json::object({{"Sequence", Json::object({{"id", which}, {"type_id", type}})}});
}

Json post_processor(const TrainedBpe& bpe) {
  if (bpe.bos.empty()) {
    return Json();
  }
  const Json bos = special_token(bpe.bos);
  const Json token = Json::object({{"id", bpe.bos},
                                   {"ids", Json(Json::Array{Json(*bpe.pieces.id_of(bpe.bos))})},
                                   {"tokens", Json(Json::Array{Json(bpe.bos)})}});
  return Json::object({{"type", "TemplateProcessing"},
                       {"single", Json(Json::Array{bos, sequence("A", 0)})},
                       {"pair", Json(Json::Array{bos, sequence("A", 0), bos, sequence("B", 1)})},
                       {"special_tokens", Json::object({{bpe.bos, token}})}});
}

Json model(const TrainedBpe& bpe) {
  Json vocab(Json::Object{});
  for (std::size_t i = 0; i < bpe.pieces.size(); ++i) {
    vocab.append_member(spelled(bpe.pieces.bytes(static_cast<TokenId>(i))), i);
  }
  Json merges(Json::Array{});
  for (const PiecePair& pair : bpe.merges) {
    merges.push_back(Json(Json::Array{Json(spelled(bpe.pieces.bytes(pair.left))),
                                      Json(spelled(bpe.pieces.bytes(pair.right)))}));
  }
  return Json::object({{"type", "BPE"},
                       {"dropout", Json()},
                       {"unk_token", Json()},
                       {"continuing_subword_prefix", Json()},
                       {"end_of_word_suffix", Json()},
                       {"fuse_unk", false},
                       {"byte_fallback", false},
                       {"ignore_merges", true},
                       {"vocab", std::move(vocab)},
                       {"merges", std::move(merges)}});
}

}  // namespace

Json to_tokenizer_json(const TrainedBpe& bpe) {
  return Json::object({{"version", "1.0"},
                       {"truncation", Json()},
                       {"padding", Json()},
                       {"added_tokens", added_tokens(bpe)},
                       {"normalizer", Json()},
                       {"pre_tokenizer", pre_tokenizer(bpe)},
                       {"post_processor", post_processor(bpe)},
                       {"decoder", byte_level_component(true)},
                       {"model", model(bpe)}});
}

}  // namespace cajal
