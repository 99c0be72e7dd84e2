#include "text/tokenizer.h"

#include "base/error.h"
#include "base/file.h"
#include "io/json.h"
#include "text/tokenizer_json.h"

namespace cajal {
namespace {

std::filesystem::path file_of(const std::filesystem::path& path) {
  if (!std::filesystem::is_directory(path)) {
    return path;
  }
  for (const char* name : {"tokenizer.json", "tokenizer.model"}) {
    if (std::filesystem::exists(path / name)) {
      return path / name;
    }
  }
  fail(ErrorCode::NotFound, "{}: neither tokenizer.json nor tokenizer.model is there",
       path.string());
}

}  // namespace

std::shared_ptr<const Tokenizer> Tokenizer::load(const std::filesystem::path& folder_or_file) {
  const std::filesystem::path path = file_of(folder_or_file);
  const std::string text = read_file(path);
  return read_tokenizer_json(Json::parse(text, path.string()), path.filename().string(),
                             text.size());
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
