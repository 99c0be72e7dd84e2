#include "service/names.h"

#include <filesystem>

#include <gmock/gmock.h>

#include "base/error.h"
#include "base/file.h"
#include "testing/files.h"

namespace cajal {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

class Names : public ::testing::Test {
 protected:
  std::shared_ptr<const Tokenizer> load(std::string_view json) {
    write_file(path_, json);
    const std::vector<TokenId> special = {2};
    return load_names(path_, 4, special);
  }
  auto loading(std::string_view json) {
    return [this, json] { load(json); };
  }

  testing::TemporaryFolder folder_;
  std::filesystem::path path_ = folder_ / "names.json";
};

TEST_F(Names, ComeFromEveryFormOfFile) {
  for (const char* json :
       {R"(["a", "b b", "<end>"])", R"({"a": 0, "b b": 1, "<end>": 2})",
        R"({"0": "a", "2": "<end>", "1": "b b"})",
        R"({"token2id": {"a": 0, "b b": 1, "<end>": 2}, "id2token": {"0": "a"}})"}) {
    const auto names = load(json);
    EXPECT_EQ(names->piece(1), "b b") << json;
    EXPECT_EQ(names->piece(3), "") << json;
    EXPECT_EQ(names->id_of("b b"), 1) << json;
    EXPECT_EQ(names->vocab_size(), 3U) << json;
  }
}

TEST_F(Names, AreJoinedBySpacesWithoutSpecialOnes) {
  const auto names = load(R"(["a", "b b", "<end>"])");
  const std::vector<TokenId> ids = {1, 3, 0, 2};
  EXPECT_EQ(names->decode(ids), "b b a");
  EXPECT_EQ(names->decode(ids, SkipSpecial::No), "b b a <end>");
}

TEST_F(Names, StandInATextWithTheirBlank) {
  const auto names = load(R"(["a", "b b"])");
  EXPECT_EQ(names->bytes_of(1), " b b");
  EXPECT_EQ(names->bytes_of(3), "");
}

TEST_F(Names, CannotReadText) {
  const auto names = load(R"(["a"])");
  EXPECT_THAT([&] { names->encode_ids("a"); }, ThrowsMessage<Error>(HasSubstr("--ids")));
}

TEST_F(Names, OfIdsThatTheModelLacksAreAnError) {
  EXPECT_THAT(loading(R"({"a": 4})"), ThrowsMessage<Error>(HasSubstr("id 4")));
  EXPECT_THAT(loading(R"({"a": -1})"), ThrowsMessage<Error>(HasSubstr("id -1")));
  EXPECT_THAT(loading(R"({"a": 1, "b": 1})"), ThrowsMessage<Error>(HasSubstr("twice")));
}

TEST_F(Names, InAnotherFormAreAnError) {
  EXPECT_THAT(loading("3"), ThrowsMessage<Error>(HasSubstr("a list or a map")));
  EXPECT_THAT(loading(R"({"a": [1]})"), ThrowsMessage<Error>(HasSubstr("'a'")));
  EXPECT_THAT(loading("[1]"), ThrowsMessage<Error>(HasSubstr("entry 0")));
}

}  // namespace
}  // namespace cajal
