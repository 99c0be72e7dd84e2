#include "text/tokenizer_json.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace cajal {
namespace {

using ::testing::HasSubstr;

std::shared_ptr<const Tokenizer> read(const std::string& text) {
  return read_tokenizer_json(Json::parse(text, "tokenizer.json"), "tokenizer.json", text.size());
}

std::string error_of(const std::string& text) {
  try {
    const auto tokenizer = read(text);
    tokenizer->encode("some text 123", {});
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

std::string error_of_text(const Tokenizer& tokenizer, const std::string& text) {
  try {
    tokenizer.encode_ids(text, {});
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

/// A byte-level tokenizer of all bytes that merges `merges`, with `more` members in the file.
std::string byte_level_file(const std::string& vocab, const std::string& merges,
                            const std::string& more = "") {
  return R"({"pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false},"model":{"type":"BPE","vocab":)" +
         vocab + R"(,"merges":)" + merges + "}" + more + "}";
}

TEST(TokenizerJson, NamesTheFieldThatIsWrong) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"[]", "must be an object"},
      {"{}", "model"},
      {R"({"model":5})", "model"},
      {R"({"model":{"type":"Magic"}})", "'Magic' is not supported"},
      {R"({"model":{"type":"BPE"}})", "vocab"},
      {R"({"model":{"type":"BPE","vocab":[]}})", "vocab"},
      {R"({"model":{"type":"BPE","vocab":{"a":-1},"merges":[]}})", "-1 is no token id"},
      {R"({"model":{"type":"BPE","vocab":{"a":4000000000},"merges":[]}})", "is no token id"},
      {R"({"model":{"type":"BPE","vocab":{"a":9999999},"merges":[]}})", "is no token id"},
      {R"({"model":{"type":"BPE","vocab":{"a":"x"},"merges":[]}})", "vocab"},
      {R"({"model":{"type":"BPE","vocab":{"a":1,"b":1},"merges":[]}})", "id 1 is given to 'a'"},
      {R"({"model":{"type":"BPE","vocab":{"a":1},"merges":["a b"]}})", "merges[0]: the piece 'b'"},
      {R"({"model":{"type":"BPE","vocab":{"a":1},"merges":["a"]}})", "not two pieces"},
      {R"({"model":{"type":"BPE","vocab":{"a":1},"merges":[["a"]]}})", "takes two"},
      {R"({"model":{"type":"BPE","vocab":{"a":1},"merges":[7]}})", "merges"},
      {R"({"model":{"type":"BPE","vocab":{"a":1},"merges":[["a","a"]]}})", "piece 'aa'"},
      {R"({"model":{"type":"Unigram","vocab":[["a"]]}})", "a piece and its score"},
      {R"({"model":{"type":"Unigram","vocab":[["a",1]],"unk_id":9}})", "outside the vocabulary"},
      {R"({"model":{"type":"Unigram","vocab":[["a",0]]}})", "no token for the unknown"},
      {R"({"model":{"type":"WordLevel","vocab":{"a":0}}})", "no token for the unknown"},
      {R"({"model":{"type":"WordLevel","vocab":{}},"normalizer":{"type":"Odd"}})",
       "normalizer 'Odd'"},
      {R"({"model":{"type":"WordLevel","vocab":{}},"decoder":{"type":"Odd"}})", "decoder 'Odd'"},
      {R"({"model":{"type":"WordLevel","vocab":{}},"post_processor":{"type":"Odd"}})", "'Odd'"},
      {R"({"model":{"type":"WordLevel","vocab":{}},"pre_tokenizer":{"type":"Odd"}})", "'Odd'"},
      {R"({"model":{"type":"WordLevel","vocab":{}},"pre_tokenizer":{"type":"Split","pattern":{"Regex":"("}}})",
       "regular expression"},
      {R"x({"model":{"type":"WordLevel","vocab":{}},"pre_tokenizer":{"type":"Split","pattern":{"Regex":"(?s:.)"}}})x",
       "no option of a group"},
      {R"({"model":{"type":"WordLevel","vocab":{}},"added_tokens":[{"content":"a","id":-3}]})",
       "-3"},
      {R"({"model":{"type":"WordLevel","vocab":{}},"added_tokens":[{"content":"a","id":3},{"content":"b","id":3}]})",
       "given twice"},
      {R"({"model":{"type":"WordLevel","vocab":{"x":3}},"added_tokens":[{"content":"a","id":3}]})",
       "belongs to the piece 'x'"},
      {R"({"model":{"type":"WordLevel","vocab":{}},"normalizer":{"type":"Precompiled","precompiled_charsmap":"////////"}})",
       "normalisation table"},
      {R"({"model":{"type":"WordLevel","vocab":{}},"post_processor":{"type":"TemplateProcessing","single":[],"special_tokens":{}}})",
       "no place for the text"},
  };
  for (const auto& [file, words] : cases) {
    EXPECT_THAT(error_of(file), HasSubstr(words)) << file;
  }
}

TEST(TokenizerJson, GivesUpOnACatastrophicPattern) {
  const std::string file =
      R"({"model":{"type":"WordLevel","vocab":{"a":0},"unk_token":"a"},"pre_tokenizer":)"
      R"({"type":"Split","pattern":{"Regex":"(a|a|aa)*c"},"behavior":"Isolated"}})";
  const auto tokenizer = read(file);
  EXPECT_THROW(tokenizer->encode_ids(std::string(64, 'a') + "bc", {}), Error);
}

std::string times(const std::string& part, int count) {
  std::string out = part;
  for (int i = 1; i < count; ++i) {
    out += "," + part;
  }
  return out;
}

/// A word-level tokenizer of "aaaa" and an unknown word, with `more` members in the file.
std::string word_file(const std::string& more) {
  return R"({"model":{"type":"WordLevel","vocab":{"?":0,"aaaa":1},"unk_token":"?"},)" + more + "}";
}

std::string doubling(const std::string& kind, const std::string& list, int count) {
  return word_file("\"" + kind + R"(":{"type":"Sequence",")" + list + "\":[" +
                   times(R"({"type":"Replace","pattern":{"String":"a"},"content":"aa"})", count) +
                   "]}");
}

/// What encoding and decoding `text` ends in.
std::string limit_of(const std::string& file, const std::string& text) {
  const auto tokenizer = read(file);
  try {
    const Encoding encoding = tokenizer->encode(text, {});
    tokenizer->decode(encoding.ids, SkipSpecial::No);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::ResourceExhausted);
    return error.what();
  }
  return "no error";
}

TEST(TokenizerJson, ComponentsThatExpandTheTextWithoutEndAreStopped) {
  EXPECT_THAT(limit_of(doubling("normalizer", "normalizers", 40), "aaaa"), HasSubstr("Replace"));
  EXPECT_THAT(limit_of(doubling("decoder", "decoders", 40), "aaaa"), HasSubstr("Replace decoder"));
  const std::string prefix = R"({"type":"Prepend","prepend":")" + std::string(200'000, 'x') + "\"}";
  EXPECT_THAT(limit_of(word_file(R"("normalizer":{"type":"Sequence","normalizers":[)" +
                                 times(prefix, 30) + "]}"),
                       "aaaa"),
              HasSubstr("Prepend"));
  EXPECT_THAT(limit_of(word_file(R"("pre_tokenizer":{"type":"Sequence","pretokenizers":[)" +
                                 times(R"({"type":"ByteLevel"})", 60) + "]}"),
                       "\u00E9"),
              HasSubstr("ByteLevel"));
}

TEST(TokenizerJson, StepsThatExpandAndShrinkByTurnsAreStopped) {
  const std::string pair = R"({"type":"Replace","pattern":{"String":"a"},"content":")" +
                           std::string(50'000, 'b') +
                           R"("},{"type":"Replace","pattern":{"Regex":"b+"},"content":"a"})";
  EXPECT_THAT(limit_of(word_file(R"("normalizer":{"type":"Sequence","normalizers":[)" +
                                 times(pair, 400) + "]}"),
                       "aaaa"),
              HasSubstr("components write more than"));
}

TEST(TokenizerJson, AFewDoublingStepsAreFine) {
  EXPECT_EQ(limit_of(doubling("normalizer", "normalizers", 5), "aaaa"), "no error");
  EXPECT_EQ(limit_of(doubling("decoder", "decoders", 5), "aaaa"), "no error");
}

TEST(TokenizerJson, ALongNameForUnknownWordsDoesNotFillMemory) {
  const std::string name(100'000, '?');
  EXPECT_THAT(
      limit_of(R"({"model":{"type":"WordLevel","vocab":{")" + name + R"(":0},"unk_token":")" +
                   name + R"("},"pre_tokenizer":{"type":"WhitespaceSplit"}})",
               std::string(100, 'b') + " c d e f g h i j k l m n o p q r s t u v w x y z"),
      HasSubstr("unknown"));
}

TEST(TokenizerJson, ARegexThatLooksFarFromEachPlaceGivesUp) {
  const auto tokenizer = read(word_file(
      R"("pre_tokenizer":{"type":"Split","pattern":{"Regex":"a*b|a"},"behavior":"Isolated"})"));
  EXPECT_EQ(tokenizer->encode_ids(std::string(100, 'a'), {}).size(), 100U);
  EXPECT_THAT(error_of_text(*tokenizer, std::string(1'000'000, 'a')), HasSubstr("gave up"));
}

TEST(TokenizerJson, ManyEqualCharactersTakeLittleTime) {
  const auto tokenizer =
      read(byte_level_file(R"({"a":0,"aa":1,"aaaa":2,"aaaaaaaa":3,"b":4,"ab":5})",
                           R"(["a a","aa aa","aaaa aaaa","a b"])"));
  // With the square of the length as work, this would not end.
  EXPECT_EQ(tokenizer->encode_ids(std::string(1 << 20, 'a'), {}).size(), std::size_t{1} << 17U);
  std::string text(1 << 20, 'a');
  text += 'b';
  EXPECT_EQ(tokenizer->encode_ids(text, {}).size(), (std::size_t{1} << 17U) + 1);
}

TEST(TokenizerJson, BrokenUtf8KeepsOffsetsOfTheOriginal) {
  const auto tokenizer = read(
      R"({"model":{"type":"WordLevel","vocab":{"?":0,"b":1},"unk_token":"?"},"pre_tokenizer":{"type":"WhitespaceSplit"}})");
  const Encoding found = tokenizer->encode("\xFF\xFE b", {});
  EXPECT_EQ(found.ids, (std::vector<TokenId>{0, 1}));
  EXPECT_EQ(found.offsets, (std::vector<TokenSpan>{{0, 2}, {3, 4}}));
}

TEST(TokenizerJson, EmptyTextHasNoTokens) {
  const auto tokenizer = read(byte_level_file("{}", "[]"));
  EXPECT_TRUE(tokenizer->encode("", {}).ids.empty());
  EXPECT_EQ(tokenizer->decode({}, SkipSpecial::Yes), "");
}

}  // namespace
}  // namespace cajal
