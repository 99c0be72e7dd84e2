#include "text/stream_decoder.h"

#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "io/json.h"
#include "testing/golden.h"

namespace cajal {
namespace {

namespace fs = std::filesystem;

std::vector<TokenId> ids_of_case(const Json& c) {
  std::vector<TokenId> out;
  for (const Json& id : c.at("ids", "case").as_array("ids")) {
    out.push_back(static_cast<TokenId>(id.as_int("id")));
  }
  return out;
}

SkipSpecial skip_of(const Json& c) {
  return c.at("skip_special_tokens", "case").as_bool("skip") ? SkipSpecial::Yes : SkipSpecial::No;
}

fs::path folder_of(const std::string& name) {
  const fs::path core = testing::golden_core("tokenizers") / name;
  return fs::exists(core) ? core : testing::shared_folder() / "golden" / "tokenizers" / name;
}

/// What is shown after each id, and at the end.
std::vector<std::string> shown(StreamDecoder& stream, const std::vector<TokenId>& ids) {
  std::vector<std::string> out;
  for (const TokenId id : ids) {
    out.push_back(stream.push(id));
  }
  out.push_back(stream.finish());
  return out;
}

std::vector<std::string> expected(const Json& emit, const Json& end) {
  std::vector<std::string> out;
  for (const Json& text : emit.as_array("emit")) {
    out.push_back(text.as_string("emit"));
  }
  out.push_back(end.as_string("end"));
  return out;
}

TEST(StreamDecoder, ShowsWhatTheGoldenStreamShows) {
  const Json file = Json::load(testing::golden_core("tokenizers") / "streaming.json");
  for (const Json& c : file.at("cases", "streaming").as_array("cases")) {
    SCOPED_TRACE(c.dump());
    const fs::path folder = folder_of(c.at("tokenizer", "case").as_string("tokenizer"));
    if (!fs::exists(folder)) {
      continue;  // a folder that only the full set has
    }
    const auto tokenizer = Tokenizer::load(folder);
    const std::vector<TokenId> ids = ids_of_case(c);
    EXPECT_EQ(tokenizer->decode(ids, skip_of(c)), c.at("full", "case").as_string("full"));
    const Json* const emit = c.find_value("emit");
    const Json* const strict = c.find_value("emit_strict");
    StreamDecoder soon(tokenizer, skip_of(c), Show::Soon);
    if (emit != nullptr) {
      EXPECT_EQ(shown(soon, ids), expected(*emit, c.at("end", "case")));
    }
    StreamDecoder settled(tokenizer, skip_of(c), Show::Settled);
    if (strict != nullptr) {
      EXPECT_EQ(shown(settled, ids), expected(*strict, c.at("end_strict", "case")));
    } else {
      EXPECT_EQ(shown(settled, ids), expected(*emit, c.at("end", "case")));
    }
  }
}

TEST(StreamDecoder, StartsAnewAfterFinish) {
  const auto tokenizer = Tokenizer::load(folder_of("llama2"));
  StreamDecoder stream(tokenizer);
  const std::vector<TokenId> ids = {261, 616, 638};
  const std::vector<std::string> first = shown(stream, ids);
  EXPECT_EQ(shown(stream, ids), first);
}

}  // namespace
}  // namespace cajal
