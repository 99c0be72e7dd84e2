#include "text/tokenizer.h"

#include "base/error.h"
#include "base/file.h"
#include "io/gguf.h"
#include "io/json.h"
#include "text/gguf_vocabulary.h"
#include "text/sentencepiece.h"
#include "text/tekken.h"
#include "text/tokenizer_json.h"

namespace cajal {
namespace {

namespace fs = std::filesystem;

fs::path file_of(const fs::path& path) {
  if (!fs::is_directory(path)) {
    return path;
  }
  for (const char* name : {"tokenizer.json", "tekken.json", "tokenizer.model"}) {
    if (fs::exists(path / name)) {
      return path / name;
    }
  }
  fail(ErrorCode::NotFound, "{}: neither tokenizer.json nor tokenizer.model is there",
       path.string());
}

/// A .model file does not say which ends its model expects; the folder may.
AddedEnds ends_beside(const fs::path& model) {
  AddedEnds out;
  const fs::path path = model.parent_path() / "tokenizer_config.json";
  if (fs::exists(path)) {
    const Json config = Json::load(path);
    if (const Json* bos = config.find_value("add_bos_token")) {
      out.bos = bos->as_bool(path.string() + ": add_bos_token");
    }
    if (const Json* eos = config.find_value("add_eos_token")) {
      out.eos = eos->as_bool(path.string() + ": add_eos_token");
    }
  }
  return out;
}

std::shared_ptr<const Tokenizer> load_json(const fs::path& path) {
  const std::string text = read_file(path);
  const Json json = Json::parse(text, path.string());
  return is_tekken(json) ? read_tekken(json, path.string())
                         : read_tokenizer_json(json, path.string(), text.size());
}

std::shared_ptr<const Tokenizer> load_sentencepiece(const fs::path& path) {
  return make_sentencepiece_tokenizer(SentencePieceModel::parse(read_file(path), path.string()),
                                      ends_beside(path), path.filename().string());
}

}  // namespace

std::shared_ptr<const Tokenizer> Tokenizer::load(const fs::path& folder_or_file) {
  const fs::path path = file_of(folder_or_file);
  if (path.extension() == ".gguf") {
    return read_gguf_vocabulary(*Gguf::open(path));
  }
  return path.extension() == ".json" ? load_json(path) : load_sentencepiece(path);
}

std::string Tokenizer::decode(std::span<const TokenId> ids, SkipSpecial skip) const {
  std::string out;
  const auto decoding = start_decoding(skip, Show::Settled);
  for (const TokenId id : ids) {
    decoding->push(id, out);
  }
  decoding->finish(out);
  return out;
}

}  // namespace cajal
